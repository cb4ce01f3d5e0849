"""How each receiver's markup is kept from seeing markup in a stranger's text: one file per markup."""

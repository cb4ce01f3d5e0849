"""Handing over what another shard decides from now on, when other versions of the topology or the rules are in force.

The shard that a domain leaves gives away everything that it knows of it (`leaving`), as a parcel (`parcel`) that is
stored with the activation and then sent; the shard that owns it now takes it in (`arriving`), and correlation goes on.
What comes for the domain meanwhile, here or there, finds its way: late, but to the same result (law 4).
"""

"""Checks of the files that declare rules, one per file; a check's id is its file's name and its page in docs/rules.

Checks of a value are called by the form (`rules.form`) as it reads, or by the YAML reader; checks of whole documents
have ``find(documents)`` and are run by `rules.parse`.
"""

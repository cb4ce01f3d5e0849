"""Reports of recoveries: the windows that were compared, what they show, and how incidents were closed.

`table` makes frames with pandas, `written` turns them into text. Only the command line imports them: a server answers
with windows and never loads pandas.
"""

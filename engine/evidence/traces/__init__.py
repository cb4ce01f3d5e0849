"""Evidence from traces: self time, network time, failures and the dependencies that spans show.

Spans are put together as they arrive (`assembly`), what each of them shows is counted by minute (`tally`, `cell`), and
a window is compared with the minutes before it (`deviation`). `store.Traces` is the state and the way in.
"""

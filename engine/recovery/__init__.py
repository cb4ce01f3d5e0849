"""Is service back? What indicators show after a restoration, against what was usual before the incident.

Pure: windows of samples come in as arrays, verdicts with their numbers come out. `compare` looks at one indicator,
`judge` at many together, `combine` goes from indicators to entities, business services and the incident, `leaning` says
what is likeliest where nothing can be stated yet. One file per method; scipy is only loaded by who compares.
"""

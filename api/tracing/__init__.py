"""Traces of what Headwater does with an input, in OpenTelemetry's form: request → decode → decide → commit → publish.

Off, nothing of this is imported and nothing is asked on the way of an input.
"""

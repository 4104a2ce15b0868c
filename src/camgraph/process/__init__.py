"""A process with a front end here and a back end there: messages, calls, frames (cloudpickle)."""

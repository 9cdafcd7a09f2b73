"""Small components with the real components' interface, for tests of runners.

They write real artefacts and need nothing but Python. What a task does beyond
that is said in the parameter "config": {"behave": {"<task>": {...}}}, with
  sleep      seconds to wait before the work
  hold       path: wait until the file is there
  raise      text of a ValueError
  exit       exit code of the process, at once
  silent     true: end without an executor output
  epochs     report so many epochs of progress
"""

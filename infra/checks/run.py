"""Runs the tests of this folder, or those named."""

import sys
import unittest

import plans

if __name__ == "__main__":
    names = sys.argv[1:]
    suite = (
        unittest.defaultTestLoader.loadTestsFromNames(names)
        if names
        else unittest.defaultTestLoader.discover(sys.path[0])
    )
    try:
        result = unittest.TextTestRunner(verbosity=1).run(suite)
    finally:
        plans.close()
    sys.exit(not result.wasSuccessful() or result.testsRun == 0)

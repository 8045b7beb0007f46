"""The page that draws in a browser, and the service that draws for programs."""

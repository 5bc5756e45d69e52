"""The Qt application. It never imports torch; long work goes through engine_client."""

"""The hospital's archive in the window: found, fetched from, listened to; off until it is switched on."""

"""The hospital's archive: asked, fetched from, listened to and sent to, only where the user has switched that on."""

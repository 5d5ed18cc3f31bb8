"""Programs that push a real moot hard and judge what it answered; tests run their short forms."""

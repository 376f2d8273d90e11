"""The gateway: `POST /analyze` for curl and browsers. It orchestrates nothing itself: voxmood.Analyzer does."""

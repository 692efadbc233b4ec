"""bench: data sets x methods x seeds -> runs, and a leaderboard of each data set."""

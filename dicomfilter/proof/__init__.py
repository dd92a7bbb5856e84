"""What arrived, shown at the destination."""

"""What passes between validate, process and save."""

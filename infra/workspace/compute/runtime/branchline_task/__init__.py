"""The first code of every task process and of every engine process."""

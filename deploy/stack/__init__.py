"""The local stack behind `make up`, `make ps` and `make down`, in containers or as plain processes."""

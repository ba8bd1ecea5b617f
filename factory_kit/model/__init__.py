"""What things are: frozen pydantic definitions of what people write, frozen dataclasses of what code makes."""

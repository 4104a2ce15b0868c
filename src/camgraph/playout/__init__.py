"""When a frame is due: modules that know neither clocks nor frames."""

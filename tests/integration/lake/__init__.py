"""The tables of analytics, in the emulator, without the sandbox."""

"""Starling on ARM: an arm64 Debian under QEMU's user emulation, with the processor of a Raspberry Pi."""

"""The Raspberry Pis that are emulated, by what a program can see of their processors."""

from dataclasses import dataclass

CORES = 4


@dataclass(frozen=True)
class Board:
    """A Raspberry Pi with a 64-bit system.

    Args:
        name: The board's name, as /proc/cpuinfo gives it.
        cpu: QEMU's name of its processor.
        part: The processor's part number in /proc/cpuinfo (Arm's MIDR_EL1 register).
        features: The features that Linux lists; LiteRT chooses its kernels by them.
    """

    name: str
    cpu: str
    part: str
    features: str

    @property
    def cpuinfo(self) -> str:
        """Contents of /proc/cpuinfo."""
        core = (
            "processor\t: {number}\nBogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\n"
            "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {part}\nCPU revision\t: 3\n\n"
        )
        cores = "".join(core.format(number=number, features=self.features, part=self.part) for number in range(CORES))
        return f"{cores}Model\t\t: {self.name}\n"


PI_3 = Board("Raspberry Pi 3 Model B Plus Rev 1.3", "cortex-a53", "0xd03", "fp asimd evtstrm crc32 cpuid")
PI_4 = Board("Raspberry Pi 4 Model B Rev 1.4", "cortex-a72", "0xd08", "fp asimd evtstrm crc32 cpuid")
PI_5 = Board(
    "Raspberry Pi 5 Model B Rev 1.0",
    "cortex-a76",
    "0xd0b",
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
)
BOARDS = (PI_3, PI_4, PI_5)

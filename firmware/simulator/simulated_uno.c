/* An Arduino Uno with an ACS712 on A0, simulated: runs the firmware's ELF under simavr and offers its serial port as a
 * pseudo-terminal.
 *
 *   simulated_uno [options] firmware.elf [TIME:KEY=VALUE ...]
 *
 *   --link PATH       symbolic link to the pseudo-terminal, removed at the end
 *   --eeprom FILE     load the EEPROM from this file if it exists, and save it at the end
 *   --sensor AMPERES  the ACS712's variant: 5, 20 or 30 (5)
 *   --seed N          seed of the noise (1)
 *   --fast            run as fast as possible and wait for the reader, instead of running in real time
 *   --seconds S       stop after S simulated seconds, print "done", and wait for the end of standard input
 *   --reset-on-open   reset when the port is opened, as a real Uno does
 *   --boot SECONDS    duration of the boot loader after each reset (0)
 *
 * The signals are set at a simulated time by an argument, or immediately by a line KEY=VALUE on standard input:
 *
 *   amperes  ripple (peak amperes)  hertz (of the ripple)  noise (volts rms at the sensor's output)  offset (volts)
 *   bandwidth (hertz, of the noise: 0 is white)  vcc (volts)  bandgap (volts)  reset (any value)
 *   stuck (any value: the converter stops until the next reset)
 *
 * simavr converts by floor(mV * 1023 / reference), in whole millivolts. The ATmega328P's datasheet ("ADC Accuracy
 * Definitions") has 1024 codes with transitions at half a code. Therefore the conversion is done here, and simavr gets a
 * reference of 1023 "mV", so that one "mV" is one code.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <simavr/avr_adc.h>
#include <simavr/avr_eeprom.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>

#define FREQUENCY 16000000
#define CONVERSION_SECONDS (13 * 128.0 / FREQUENCY)
#define POLL_CYCLES (FREQUENCY / 100)
#define EEPROM_BYTES 1024
#define MAX_EVENTS 4096

struct signals {
  double amperes, ripple, hertz, noise, offset, bandwidth, vcc, bandgap;
};

struct event {
  double seconds;
  const char *setting;
};

struct options {
  const char *elf, *link, *eeprom;
  double sensor, seconds, boot;
  bool fast, reset_on_open;
};

static struct signals signals = {.hertz = 50, .vcc = 5, .bandgap = 1.1};
static struct options options = {.sensor = 5};
static struct event events[MAX_EVENTS];
static int event_count, next_event;

static avr_t *avr;
static avr_irq_t *adc_input, *uart_input;
static int terminal;
static volatile sig_atomic_t stopping;

static void fail(const char *what) {
  fprintf(stderr, "simulated_uno: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void log_errors_only(avr_t *core, const int level, const char *format, va_list arguments) {
  (void)core;
  if (level <= LOG_ERROR) vfprintf(stderr, format, arguments);
}

static double now(void) { return (double)avr->cycle / FREQUENCY; }

/* ---- The sensor and the converter ---- */

static double gaussian(void) {
  return sqrt(-2 * log(1 - drand48())) * cos(2 * M_PI * drand48());
}

/* Noise with a standard deviation of 1, with a first-order low-pass filter if there is a bandwidth. */
static double noise(void) {
  static double filtered;
  const double kept = signals.bandwidth ? exp(-2 * M_PI * signals.bandwidth * CONVERSION_SECONDS) : 0;
  return filtered = kept * filtered + sqrt(1 - kept * kept) * gaussian();
}

static double volts_per_ampere(void) {
  return (options.sensor == 5 ? 0.185 : options.sensor == 20 ? 0.100 : 0.066) * signals.vcc / 5;
}

static double sensor_volts(void) {
  const double amperes = signals.amperes + signals.ripple * sin(2 * M_PI * signals.hertz * now());
  return signals.vcc / 2 + signals.offset + amperes * volts_per_ampere() + signals.noise * noise();
}

static uint32_t code_of(double volts) {
  const double code = floor(volts / signals.vcc * 1024 + 0.5);
  return code < 0 ? 0 : code > 1023 ? 1023 : (uint32_t)code;
}

/* Called at the start of each conversion, with the channel that the firmware has chosen. */
static void on_conversion(avr_irq_t *irq, uint32_t value, void *unused) {
  (void)irq, (void)unused;
  const union {
    avr_adc_mux_t mux;
    uint32_t value;
  } channel = {.value = value};
  if (channel.mux.kind == ADC_MUX_REF) {
    avr->avcc = 1100 * 1023 / code_of(signals.bandgap); /* simavr's bandgap is always 1100 mV */
  } else {
    avr->avcc = 1023;
    avr_raise_irq(adc_input, code_of(sensor_volts()));
  }
}

/* ---- The events ---- */

static void reset(double boot_seconds) {
  avr_reset(avr);
  avr->cycle += (avr_cycle_count_t)(boot_seconds * FREQUENCY);
}

static void stop_converter(void) {
  avr->data[0x7A] &= (uint8_t)~0x28; /* ADCSRA without ADATE and ADIE */
}

static void apply(const char *setting) {
  const struct {
    const char *key;
    double *value;
  } keys[] = {{"amperes", &signals.amperes}, {"ripple", &signals.ripple}, {"hertz", &signals.hertz},
              {"noise", &signals.noise},     {"offset", &signals.offset}, {"bandwidth", &signals.bandwidth},
              {"vcc", &signals.vcc},         {"bandgap", &signals.bandgap}};
  const char *equals = strchr(setting, '=');
  const size_t length = equals ? (size_t)(equals - setting) : strlen(setting);
  for (size_t i = 0; equals && i < sizeof keys / sizeof *keys; i++) {
    if (strlen(keys[i].key) == length && !strncmp(keys[i].key, setting, length)) {
      *keys[i].value = atof(equals + 1);
      return;
    }
  }
  if (!strncmp(setting, "reset", 5)) {
    reset(options.boot);
  } else if (!strncmp(setting, "stuck", 5)) {
    stop_converter();
  } else {
    fprintf(stderr, "simulated_uno: unknown signal: %s\n", setting);
  }
}

static void apply_due_events(void) {
  while (next_event < event_count && events[next_event].seconds <= now()) apply(events[next_event++].setting);
}

static void apply_lines_from_stdin(void) {
  static char line[256];
  static size_t length;
  static bool ended;
  char character;
  while (!ended) {
    const ssize_t got = read(STDIN_FILENO, &character, 1);
    if (got < 0) return;
    if (got == 0) {
      ended = true;
    } else if (character == '\n') {
      line[length] = '\0';
      length = 0;
      apply(line);
    } else if (length < sizeof line - 1) {
      line[length++] = character;
    }
  }
}

/* ---- The serial port ---- */

static bool port_is_open(void) {
  struct pollfd waiting = {.fd = terminal, .events = POLLIN};
  return poll(&waiting, 1, 0) >= 0 && !(waiting.revents & POLLHUP);
}

/* Writes whole lines. In real time it does not wait for the reader: unwritten data is lost, as on a real port. */
static void on_sent(avr_irq_t *irq, uint32_t value, void *unused) {
  (void)irq, (void)unused;
  static char line[256];
  static size_t length;
  line[length++] = (char)value;
  if (value != '\n' && length < sizeof line) return;
  for (size_t sent = 0; sent < length && !stopping;) {
    const ssize_t wrote = port_is_open() || options.fast ? write(terminal, line + sent, length - sent) : -1;
    if (wrote > 0) {
      sent += (size_t)wrote;
    } else if (options.fast) {
      poll(&(struct pollfd){.fd = terminal, .events = POLLOUT}, 1, 10);
    } else {
      break;
    }
  }
  length = 0;
}

static void receive(void) {
  uint8_t bytes[16]; /* 4 ms of input */
  const ssize_t got = read(terminal, bytes, sizeof bytes);
  for (ssize_t i = 0; i < got; i++) avr_raise_irq(uart_input, bytes[i]);
}

static void watch_opening(void) {
  static bool was_open;
  const bool open = port_is_open();
  if (open && !was_open && options.reset_on_open) reset(options.boot);
  was_open = open;
}

static void open_terminal(void) {
  terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (terminal < 0 || grantpt(terminal) || unlockpt(terminal)) fail("no pseudo-terminal");
  const char *name = ptsname(terminal);
  /* Opened and closed once: after that, the master sees POLLHUP while no reader has it open. */
  const int slave = open(name, O_RDWR | O_NOCTTY);
  struct termios raw;
  if (slave < 0 || tcgetattr(slave, &raw)) fail(name);
  cfmakeraw(&raw);
  tcsetattr(slave, TCSANOW, &raw);
  close(slave);
  if (options.link) {
    unlink(options.link);
    if (symlink(name, options.link)) fail(options.link);
  }
  printf("ready %s\n", options.link ? options.link : name);
  fflush(stdout);
}

/* ---- The machine ---- */

static void never_sleep(avr_t *core, avr_cycle_count_t cycles) {
  (void)core, (void)cycles;
}

static void load(void) {
  elf_firmware_t firmware = {.frequency = FREQUENCY};
  if (elf_read_firmware(options.elf, &firmware)) fail(options.elf);
  avr = avr_make_mcu_by_name("atmega328p");
  if (!avr) fail("simavr knows no atmega328p");
  avr_init(avr);
  avr->frequency = FREQUENCY;
  avr->vcc = avr->aref = 5000;
  avr->avcc = 1023;
  avr_load_firmware(avr, &firmware);
  avr->log = LOG_ERROR;
  avr->sleep = never_sleep;
}

static void connect_parts(void) {
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags); /* no copy on standard output, no sleep when polled */
  adc_input = avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0);
  uart_input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_OUT_TRIGGER), on_conversion, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_sent, NULL);
}

static void load_eeprom(void) {
  uint8_t bytes[EEPROM_BYTES];
  FILE *file = options.eeprom ? fopen(options.eeprom, "rb") : NULL;
  if (!file) return;
  avr_eeprom_desc_t content = {.ee = bytes, .offset = 0, .size = (uint32_t)fread(bytes, 1, sizeof bytes, file)};
  fclose(file);
  if (content.size) avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &content);
}

static void save_eeprom(void) {
  uint8_t bytes[EEPROM_BYTES];
  avr_eeprom_desc_t content = {.ee = bytes, .offset = 0, .size = sizeof bytes};
  if (!options.eeprom) return;
  avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &content); /* returns -1 in any case */
  FILE *file = fopen(options.eeprom, "wb");
  if (!file || fwrite(bytes, sizeof bytes, 1, file) != 1 || fclose(file)) fail(options.eeprom);
}

static void keep_real_time(void) {
  static double ahead_of; /* time of the clock at simulated time 0 */
  struct timespec clock;
  clock_gettime(CLOCK_MONOTONIC, &clock);
  const double seconds = (double)clock.tv_sec + clock.tv_nsec * 1e-9;
  if (ahead_of == 0 || seconds - ahead_of - now() > 1) ahead_of = seconds - now(); /* also after a long suspension */
  const double early = now() - (seconds - ahead_of);
  if (early > 0) usleep((useconds_t)(early * 1e6));
}

static void run(void) {
  avr_cycle_count_t next_poll = 0;
  int state = cpu_Running;
  while (!stopping && state != cpu_Done && state != cpu_Crashed) {
    if (avr->cycle >= next_poll) {
      next_poll = avr->cycle + POLL_CYCLES;
      apply_due_events();
      apply_lines_from_stdin();
      watch_opening();
      receive();
      if (!options.fast) keep_real_time();
      if (options.seconds && now() >= options.seconds) return;
    }
    state = avr_run(avr);
  }
  if (!stopping) fail("the firmware crashed");
}

/* After the end of the process, the reader could not read the rest of the output. */
static void wait_for_end_of_input(void) {
  puts("done");
  fflush(stdout);
  char ignored;
  fcntl(STDIN_FILENO, F_SETFL, 0);
  while (!stopping && read(STDIN_FILENO, &ignored, 1) > 0) {
  }
}

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

static void read_events(char **arguments) {
  for (; *arguments && event_count < MAX_EVENTS; arguments++) {
    char *colon = NULL;
    events[event_count].seconds = strtod(*arguments, &colon);
    if (*colon != ':') {
      fprintf(stderr, "simulated_uno: not TIME:KEY=VALUE: %s\n", *arguments);
      exit(2);
    }
    events[event_count++].setting = colon + 1;
  }
}

static void read_options(int count, char **arguments) {
  static const struct option known[] = {
      {"link", 1, 0, 'l'},    {"eeprom", 1, 0, 'e'},        {"sensor", 1, 0, 'a'}, {"seed", 1, 0, 's'}, {"fast", 0, 0, 'f'},
      {"seconds", 1, 0, 't'}, {"reset-on-open", 0, 0, 'r'}, {"boot", 1, 0, 'b'},   {0, 0, 0, 0}};
  srand48(1);
  for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
    switch (option) {
      case 'l': options.link = optarg; break;
      case 'e': options.eeprom = optarg; break;
      case 'a': options.sensor = atof(optarg); break;
      case 's': srand48(atol(optarg)); break;
      case 'f': options.fast = true; break;
      case 't': options.seconds = atof(optarg); break;
      case 'r': options.reset_on_open = true; break;
      case 'b': options.boot = atof(optarg); break;
      default: exit(2);
    }
  }
  if (optind >= count) {
    fprintf(stderr, "usage: simulated_uno [options] firmware.elf [TIME:KEY=VALUE ...]\n");
    exit(2);
  }
  options.elf = arguments[optind];
  read_events(arguments + optind + 1);
}

int main(int count, char **arguments) {
  read_options(count, arguments);
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  avr_global_logger_set(log_errors_only);
  load();
  connect_parts();
  load_eeprom();
  apply_due_events();
  open_terminal();
  while (options.fast && !stopping && !port_is_open()) usleep(1000);
  run();
  if (!stopping) wait_for_end_of_input();
  save_eeprom();
  if (options.link) unlink(options.link);
  return 0;
}

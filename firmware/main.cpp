// The main function that the Arduino IDE adds to a sketch, for the Makefile's build.
void setup();
void loop();

int main() {
  setup();
  for (;;) loop();
}

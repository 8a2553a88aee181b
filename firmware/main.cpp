// What the Arduino IDE adds to a sketch, and the Makefile's build needs.
void setup();
void loop();

int main() {
  setup();
  for (;;) loop();
}

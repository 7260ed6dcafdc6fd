/* A library that never waits. */
int idle_answer(void);
int idle_answer(void) {
    return 42;
}

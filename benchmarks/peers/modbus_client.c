/* How fast libmodbus reads: modbus_client PORT REGISTERS SECONDS prints requests, seconds of clock, seconds of processor. */
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int count, char **words)
{
    uint16_t held[125];
    long requests = 0;
    if (count < 4)
        return 2;
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", atoi(words[1]));
    int registers = atoi(words[2]);
    double seconds = atof(words[3]), wall, cpu;
    modbus_set_slave(ctx, 1);
    if (modbus_connect(ctx))
        return 1;
    wall = now(CLOCK_MONOTONIC);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    while (now(CLOCK_MONOTONIC) - wall < seconds) {
        int first = requests * registers % 50000;
        if (modbus_read_registers(ctx, first, registers, held) != registers || held[0] != first)
            return 3;
        requests++;
    }
    printf("%ld %.6f %.6f\n", requests, now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    return 0;
}

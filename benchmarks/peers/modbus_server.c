/* A Modbus device on libmodbus for tests and benchmarks: register n holds n, input register n holds 2n, every third bit is set.
 *
 * modbus_server tcp PORT [LATENCY_MS] [SILENT_UNIT]      prints the port it listens on (PORT 0: any free one)
 * modbus_server rtu SERIAL [LATENCY_MS] [UNIT]
 *
 * Addresses 60000 to 60009 are illegal. TCP serves many connections, each after the other like a device with one processor.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static modbus_mapping_t *map;
static int latency_ms, silent;

static void fill(void)
{
    map = modbus_mapping_new(65536, 65536, 65536, 65536);
    for (int n = 0; n < 65536; n++) {
        map->tab_registers[n] = n;
        map->tab_input_registers[n] = 2 * n;
        map->tab_bits[n] = map->tab_input_bits[n] = n % 3 == 0;
    }
}

static void answer(modbus_t *ctx, const uint8_t *query, int length)
{
    int at = modbus_get_header_length(ctx);
    int first = (query[at + 1] << 8) | query[at + 2], count = (query[at + 3] << 8) | query[at + 4];
    if (silent && query[at - 1] == silent)
        return;
    if (latency_ms)
        usleep(latency_ms * 1000);
    if (first < 60010 && first + count > 60000)
        modbus_reply_exception(ctx, query, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
    else
        modbus_reply(ctx, query, length, map);
}

static int serve_tcp(int port)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", port ? port : 1);
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof place;
    fd_set open_ones, ready;
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0), most = listener;

    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *) &place, size) || listen(listener, 32))
        return 1;
    getsockname(listener, (struct sockaddr *) &place, &size);
    printf("%d\n", ntohs(place.sin_port));
    fflush(stdout);
    FD_ZERO(&open_ones);
    FD_SET(listener, &open_ones);
    for (;;) {
        ready = open_ones;
        if (select(most + 1, &ready, NULL, NULL, NULL) < 0)
            return 1;
        for (int fd = 0; fd <= most; fd++) {
            if (!FD_ISSET(fd, &ready))
                continue;
            if (fd == listener) {
                int fresh = accept(listener, NULL, NULL);
                setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                FD_SET(fresh, &open_ones);
                most = fresh > most ? fresh : most;
                continue;
            }
            modbus_set_socket(ctx, fd);
            int length = modbus_receive(ctx, query);
            if (length > 0)
                answer(ctx, query, length);
            else if (length < 0) {
                close(fd);
                FD_CLR(fd, &open_ones);
            }
        }
    }
}

static int serve_rtu(const char *name, int unit)
{
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
    modbus_t *ctx = modbus_new_rtu(name, 115200, 'N', 8, 1);
    modbus_set_slave(ctx, unit);
    modbus_set_byte_timeout(ctx, 0, 20000); /* what is broken off is forgotten soon, as silence on a line demands */
    if (modbus_connect(ctx))
        return 1;
    printf("%s\n", name);
    fflush(stdout);
    for (;;) {
        int length = modbus_receive(ctx, query);
        if (length > 0)
            answer(ctx, query, length);
        else if (length < 0 && errno != ETIMEDOUT && errno < MODBUS_ENOBASE)
            return 0;
        else if (length < 0)
            modbus_flush(ctx);
    }
}

int main(int count, char **words)
{
    if (count < 3)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    fill();
    latency_ms = count > 3 ? atoi(words[3]) : 0;
    if (!strcmp(words[1], "rtu"))
        return serve_rtu(words[2], count > 4 ? atoi(words[4]) : 1);
    silent = count > 4 ? atoi(words[4]) : 0;
    return serve_tcp(atoi(words[2]));
}

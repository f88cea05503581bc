/* A loom controller that nobody of ours has built: a Modbus TCP server on libmodbus with manners of its own.
 *
 *     odd-loom [PORT [SPEED]]       PORT 0, the default, is any free one; a second of the loom is 1/SPEED of ours
 *
 * Unit 17; other unit ids are silent. Holding registers only, at most 16 in one request (else exception 3), and
 * only where there are any (else exception 2). The bytes of every register are swapped (BADC). The map:
 *
 *     100..103   text "ZJ-200  "
 *     104, 105   serial number 7001234
 *     200        status: bit 0 powered, bit 1 running, bit 2 stopped, bit 3 alarm
 *     201        stop code of its own: 1 weft break, 3 no material
 *     202, 203   order number
 *     204, 205   pieces
 *     206, 207   seconds run
 *     208, 209   picks
 *     300, 301   temperature, a float
 *
 * What is typed acts like the buttons of its panel: run, stop CODE, alarm, order NUMBER, panel (shows the panel), quit.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>

enum { UNIT = 17, MOST = 16, FIRST = 100, LAST = 301, CLIENTS = 8 };
enum { POWERED = 1, RUNNING = 2, STOPPED = 4, ALARM = 8 };

static double speed = 1;
static double run_s = 91234.2, last_s;
static unsigned status = POWERED | RUNNING, stop_code, order = 4711;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void advance(void)
{
    double now = now_s();
    if (status & RUNNING)
        run_s += (now - last_s) * speed;
    last_s = now;
}

static uint32_t pieces(void) { return (uint32_t)(run_s / 4); }
static uint32_t picks(void) { return (uint32_t)(run_s * 5); }

static uint16_t swapped(unsigned word) { return (uint16_t)((word & 0xff) << 8 | (word >> 8 & 0xff)); }

static void put(modbus_mapping_t *map, int address, unsigned word)
{
    map->tab_registers[address - FIRST] = swapped(word);
}

static void put32(modbus_mapping_t *map, int address, uint32_t value)
{
    put(map, address, value >> 16);
    put(map, address + 1, value & 0xffff);
}

static void fill(modbus_mapping_t *map)
{
    const char *name = "ZJ-200  ";
    float temperature = 41.5f + (float)(now_s() - (double)(long)now_s());
    uint32_t bits;

    advance();
    for (int at = 0; at < 4; at++)
        put(map, 100 + at, (unsigned)name[2 * at] << 8 | (unsigned)name[2 * at + 1]);
    put32(map, 104, 7001234);
    put(map, 200, status);
    put(map, 201, stop_code);
    put32(map, 202, order);
    put32(map, 204, pieces());
    put32(map, 206, (uint32_t)run_s);
    put32(map, 208, picks());
    memcpy(&bits, &temperature, sizeof bits);
    put32(map, 300, bits);
}

static int there(int address)
{
    return (address >= 100 && address <= 105) || (address >= 200 && address <= 209) || address == 300 || address == 301;
}

/* Answers one request, or closes the connection. */
static int serve(modbus_t *ctx, modbus_mapping_t *map, int client)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    int length, address, count;

    modbus_set_socket(ctx, client);
    length = modbus_receive(ctx, request);
    if (length <= 0)
        return length == 0 ? 0 : -1;
    if (request[6] != UNIT)
        return 0;
    if (request[7] != MODBUS_FC_READ_HOLDING_REGISTERS)
        return modbus_reply_exception(ctx, request, MODBUS_EXCEPTION_ILLEGAL_FUNCTION);
    address = request[8] << 8 | request[9];
    count = request[10] << 8 | request[11];
    if (count < 1 || count > MOST)
        return modbus_reply_exception(ctx, request, MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE);
    for (int at = address; at < address + count; at++)
        if (!there(at))
            return modbus_reply_exception(ctx, request, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
    fill(map);
    return modbus_reply(ctx, request, length, map);
}

static void panel(void)
{
    advance();
    printf("panel: pieces %u  run %.2f h  picks %u\n", pieces(), run_s / 3600, picks());
    fflush(stdout);
}

/* What somebody pressed. */
static int button(const char *line)
{
    advance();
    if (!strncmp(line, "run", 3))
        status = POWERED | RUNNING, stop_code = 0;
    else if (sscanf(line, "stop %u", &stop_code) == 1)
        status = POWERED | STOPPED;
    else if (!strncmp(line, "alarm", 5))
        status = POWERED | ALARM;
    else if (!strncmp(line, "panel", 5))
        panel();
    else if (!strncmp(line, "quit", 4))
        return 0;
    else if (sscanf(line, "order %u", &order) != 1)
        printf("run, stop CODE, alarm, order NUMBER, panel or quit\n");
    return 1;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 0;
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", port);
    modbus_mapping_t *map = modbus_mapping_new_start_address(0, 0, 0, 0, FIRST, LAST - FIRST + 1, 0, 0);
    struct pollfd waits[CLIENTS + 2];
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    int open = 2, listener;

    speed = argc > 2 ? atof(argv[2]) : 1;
    last_s = now_s();
    if (!ctx || !map || (listener = modbus_tcp_listen(ctx, CLIENTS)) < 0) {
        fprintf(stderr, "odd-loom: %s\n", modbus_strerror(errno));
        return 1;
    }
    getsockname(listener, (struct sockaddr *)&bound, &size);
    printf("odd-loom on tcp://127.0.0.1:%d, unit %d\n", ntohs(bound.sin_port), UNIT);
    fflush(stdout);
    waits[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    waits[1] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        char line[80];
        if (poll(waits, (nfds_t)open, -1) < 0)
            return 1;
        if (waits[0].revents && (!fgets(line, sizeof line, stdin) || !button(line)))
            return 0;
        if (waits[1].revents && open < CLIENTS + 2)
            waits[open++] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
        for (int at = 2; at < open; at++)
            if (waits[at].revents && serve(ctx, map, waits[at].fd) < 0) {
                close(waits[at].fd);
                waits[at--] = waits[--open];
            }
    }
}

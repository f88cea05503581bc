/* The crowd of simulators/crowd.py once more, served by a library that nobody of ours has written: libmodbus.
 *
 *     crowd --machines 450 --first 0 --units 1 --port 1502 --notes FILE
 *
 * The same addresses (127.1.0.1 is endpoint 0), the same registers at the same second, the same notes of when which
 * machine was asked, so that a poller can be measured against either. libmodbus waits with select(), which bears
 * descriptors below 1024 only: one process serves at most 480 endpoints, each a listener and a connection. An
 * endpoint keeps one connection; the next one takes its place.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REGISTERS = 56, ENDPOINTS = 480, EVENTS = 256, PIECE_S = 60, BAD_EVERY = 40, STEP_S = 37, COURSES = 480 };
enum { RUN_S = 1020, STOP_S = 100, SETUP_S = 80, CYCLE_S = RUN_S + STOP_S + SETUP_S, LIFE_S = 1 << 28 };
enum { POWER = 1, READY = 2, RUNNING = 4, SETUP = 8, STOPPED = 64, ORDER = 1 << 11, VALID = 1 << 15 };
enum { HEALTHY = POWER | ORDER | VALID, YARN_BREAK = 10, WATTS = 1150, FIRST_SERIAL = 250001 };

struct note {
    uint32_t machine;
    uint64_t at_us;
};

static struct note *notes;
static size_t noted, room;
static volatile sig_atomic_t told;

static void tell(int number) { told = number; }

static void note(uint32_t machine)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    if (noted == room) {
        room = room ? 2 * room : 1 << 16;
        if (!(notes = realloc(notes, room * sizeof *notes)))
            abort();
    }
    notes[noted++] = (struct note){machine, (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000};
}

/* How many (8 bytes), then the machine of each (4), then the instant of each (8). */
static int write_notes(const char *path)
{
    uint64_t count = noted;
    FILE *file = fopen(path, "wb");

    if (!file)
        return perror(path), 1;
    fwrite(&count, sizeof count, 1, file);
    for (size_t at = 0; at < noted; at++)
        fwrite(&notes[at].machine, sizeof notes->machine, 1, file);
    for (size_t at = 0; at < noted; at++)
        fwrite(&notes[at].at_us, sizeof notes->at_us, 1, file);
    return fclose(file) ? (perror(path), 1) : 0;
}

static void put32(uint16_t *words, int address, uint32_t value)
{
    words[address] = (uint16_t)(value >> 16);
    words[address + 1] = (uint16_t)value;
}

/* The registers of a machine at a second. */
static void show(uint16_t *words, unsigned machine, uint32_t now_s)
{
    uint32_t up_s = (uint32_t)(((uint64_t)now_s + (uint64_t)machine * STEP_S) % LIFE_S);
    uint32_t cycles = up_s / CYCLE_S, into = up_s % CYCLE_S;
    uint32_t run_s = cycles * RUN_S + (into < RUN_S ? into : RUN_S);
    uint32_t past = into < RUN_S ? 0 : into - RUN_S;
    uint32_t stop_s = cycles * STOP_S + (past < STOP_S ? past : STOP_S);
    int phase = into < RUN_S ? 0 : past < STOP_S ? 1 : 2;
    static const uint16_t status[] = {HEALTHY | READY | RUNNING, HEALTHY | STOPPED, HEALTHY | READY | SETUP};
    static const uint16_t vendor[] = {1, 3, 8}, code[] = {0, YARN_BREAK, 0};

    memset(words, 0, REGISTERS * sizeof *words);
    words[0] = 0x4B4E;
    words[1] = 1 << 8;
    put32(words, 2, FIRST_SERIAL + machine);
    words[5] = 7;
    put32(words, 6, up_s);
    words[8] = (uint16_t)up_s;
    words[9] = status[phase];
    put32(words, 10, now_s);
    words[12] = vendor[phase];
    words[13] = code[phase];
    words[15] = 1;
    words[17] = (uint16_t)(4000 + machine % 1000);
    words[18] = 1;
    words[19] = 17;
    put32(words, 20, run_s);
    put32(words, 22, stop_s);
    put32(words, 24, run_s + stop_s);
    put32(words, 26, run_s / PIECE_S);
    put32(words, 28, run_s / PIECE_S / BAD_EVERY);
    put32(words, 32, (uint32_t)((uint64_t)run_s * COURSES / PIECE_S));
    words[34] = (uint16_t)(run_s % PIECE_S * COURSES / PIECE_S);
    words[35] = COURSES;
    words[36] = words[37] = 110;
    words[42] = 120;
    words[43] = 52;
    put32(words, 52, (uint32_t)((uint64_t)run_s * WATTS / 36000));
}

/* Answers one request of an endpoint's connection. Returns -1 when the connection is over. */
static int serve(modbus_t *ctx, modbus_mapping_t *map, int connection, unsigned first, unsigned units)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    int length, unit;

    modbus_set_socket(ctx, connection);
    if ((length = modbus_receive(ctx, request)) <= 0)
        return length;
    unit = request[6];
    if (unit < 1 || unit > (int)units)
        return modbus_reply_exception(ctx, request, MODBUS_EXCEPTION_GATEWAY_TARGET);
    note(first + (unsigned)unit - 1);
    show(map->tab_registers, first + (unsigned)unit - 1, (uint32_t)time(NULL));
    return modbus_reply(ctx, request, length, map);
}

static unsigned long option(int argc, char **argv, const char *name, unsigned long otherwise)
{
    for (int at = 1; at + 1 < argc; at += 2)
        if (!strcmp(argv[at], name))
            return strtoul(argv[at + 1], NULL, 10);
    return otherwise;
}

static int listener(unsigned endpoint, unsigned long *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t size = sizeof address;
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(0x7F010001 + endpoint);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 16))
        return -1;
    getsockname(fd, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    return fd;
}

int main(int argc, char **argv)
{
    unsigned machines = (unsigned)option(argc, argv, "--machines", 100), units = (unsigned)option(argc, argv, "--units", 1);
    unsigned first = (unsigned)option(argc, argv, "--first", 0), endpoints = (machines + units - 1) / units;
    unsigned long port = option(argc, argv, "--port", 0);
    modbus_t *ctx = modbus_new_tcp(NULL, 0);
    modbus_mapping_t *map = modbus_mapping_new(0, 0, REGISTERS, 0);
    int listening[ENDPOINTS], talking[ENDPOINTS], epoll = epoll_create1(0);
    struct epoll_event events[EVENTS];

    if (!ctx || !map || endpoints > ENDPOINTS)
        return fprintf(stderr, "crowd: at most %d endpoints in a process\n", ENDPOINTS), 1;
    signal(SIGTERM, tell);
    signal(SIGINT, tell);
    signal(SIGPIPE, SIG_IGN);
    for (unsigned at = 0; at < endpoints; at++) {
        struct epoll_event wait = {.events = EPOLLIN, .data.u32 = at};
        if ((listening[at] = listener(first / units + at, &port)) < 0 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, listening[at], &wait))
            return perror("crowd: listen"), 1;
        talking[at] = -1;
    }
    printf("%u machines serve on port %lu\n", machines, port);
    fflush(stdout);
    while (!told) {
        int count = epoll_wait(epoll, events, EVENTS, 500);
        for (int each = 0; each < count; each++) {
            unsigned at = events[each].data.u32 % ENDPOINTS, known = events[each].data.u32 >= ENDPOINTS;
            struct epoll_event wait = {.events = EPOLLIN, .data.u32 = at + ENDPOINTS};
            if (known && serve(ctx, map, talking[at], first + at * units, units) < 0) {
                close(talking[at]);
                talking[at] = -1;
            } else if (!known) {
                if (talking[at] >= 0)
                    close(talking[at]);
                if ((talking[at] = accept(listening[at], NULL, NULL)) >= 0)
                    epoll_ctl(epoll, EPOLL_CTL_ADD, talking[at], &wait);
            }
        }
    }
    for (int each = 1; each + 1 < argc; each += 2)
        if (!strcmp(argv[each], "--notes"))
            return write_notes(argv[each + 1]);
    return 0;
}

// Sockets and IPC: what could be said to the outside, and what the outside has left lying about.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "attack_probe.h"

#define UNUSED __attribute__((unused))

static int try_socket(int family, int type, int protocol, const char* what) {
  return judge(socket(family, type | SOCK_CLOEXEC, protocol), what);
}

static int socket_packet(UNUSED const char* arg) {
  return try_socket(AF_PACKET, SOCK_RAW, htons(3), "packets can be sniffed");
}
static int socket_raw(UNUSED const char* arg) {
  return try_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP, "a raw socket");
}
static int socket_raw6(UNUSED const char* arg) {
  return try_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, "a raw socket");
}
static int socket_vsock(UNUSED const char* arg) {
  return try_socket(AF_VSOCK, SOCK_STREAM, 0, "a vsock: it crosses network namespaces");
}
static int socket_alg(UNUSED const char* arg) {
  return try_socket(AF_ALG, SOCK_SEQPACKET, 0, "the kernel's crypto");
}
static int socket_key(UNUSED const char* arg) {
  return try_socket(AF_KEY, SOCK_RAW, 2, "the IPsec keys");
}
static int socket_bluetooth(UNUSED const char* arg) {
  return try_socket(AF_BLUETOOTH, SOCK_RAW, 1, "bluetooth");
}
static int socket_tipc(UNUSED const char* arg) {
  return try_socket(AF_TIPC, SOCK_STREAM, 0, "tipc");
}
static int socket_xdp(UNUSED const char* arg) { return try_socket(AF_XDP, SOCK_RAW, 0, "xdp"); }
static int socket_netfilter(UNUSED const char* arg) {
  return try_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, "netfilter's netlink");
}
static int socket_audit(UNUSED const char* arg) {
  return try_socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT, "audit's netlink");
}
static int socket_uevent(UNUSED const char* arg) {
  return try_socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT, "the host's device events");
}
static int socket_generic_netlink(UNUSED const char* arg) {
  return try_socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC, "generic netlink");
}
static int socket_vsock_high_bits(UNUSED const char* arg) {
  return judge(syscall(SYS_socket, (1UL << 32) | AF_VSOCK, SOCK_STREAM, 0UL), "a vsock");
}
static int socket_netfilter_high_bits(UNUSED const char* arg) {
  return judge(syscall(SYS_socket, AF_NETLINK, SOCK_RAW, (1UL << 32) | NETLINK_NETFILTER),
               "netfilter's netlink");
}
static int socketpair_tipc(UNUSED const char* arg) {
  int ends[2];
  int result = socketpair(AF_TIPC, SOCK_STREAM, 0, ends);
  return judge(result, "tipc by socketpair");
}

static int only_loopback(UNUSED const char* arg) {
  struct if_nameindex* all = if_nameindex();
  if (all == NULL) return errno;
  int verdict = ATTEMPT_HELD;
  for (struct if_nameindex* at = all; at->if_index != 0 || at->if_name != NULL; ++at) {
    // sit0, tunl0 and their like come with a network namespace, unconnected.
    char path[128];
    char address[64];
    if (strcmp(at->if_name, "lo") == 0) continue;
    snprintf(path, sizeof(path), "/sys/class/net/%s/device", at->if_name);
    if (access(path, F_OK) == 0) verdict = escaped("the interface %s is here", at->if_name);
    snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", at->if_name);
    if (slurp(path, address, sizeof(address)) > 0 && strncmp(address, "up", 2) == 0) {
      verdict = escaped("the interface %s is up", at->if_name);
    }
  }
  if_freenameindex(all);
  return verdict;
}

static int send_outside(UNUSED const char* arg) {
  struct sockaddr_in to;
  memset(&to, 0, sizeof(to));
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);  // TEST-NET-1: nobody is there
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  // For a datagram socket this is only the choice of a route.
  return judge(connect(fd, (struct sockaddr*)&to, sizeof(to)), "there is a route to outside");
}

static int connect_loopback(const char* arg) {
  struct sockaddr_in to;
  memset(&to, 0, sizeof(to));
  to.sin_family = AF_INET;
  to.sin_port = htons((unsigned short)atoi(arg));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  return judge(connect(fd, (struct sockaddr*)&to, sizeof(to)), "the host's loopback answered");
}

static int connect_unix(const char* name, size_t length, int abstract) {
  struct sockaddr_un to;
  memset(&to, 0, sizeof(to));
  to.sun_family = AF_UNIX;
  if (length + 2 > sizeof(to.sun_path)) return escaped("the name is too long to try");
  memcpy(to.sun_path + (abstract ? 1 : 0), name, length);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  return judge(connect(fd, (struct sockaddr*)&to, size), "a unix socket of the host answered");
}

static int connect_abstract(const char* arg) { return connect_unix(arg, strlen(arg), 1); }
static int connect_path(const char* arg) { return connect_unix(arg, strlen(arg), 0); }

static int abstract_listed(const char* arg) {
  static char table[1 << 16];
  if (slurp("/proc/net/unix", table, sizeof(table)) < 0) return errno;
  return strstr(table, arg) == NULL ? ATTEMPT_HELD : escaped("/proc/net/unix shows %s", arg);
}

static int host_sockets_unlisted(UNUSED const char* arg) {
  static char table[1 << 16];
  if (slurp("/proc/net/unix", table, sizeof(table)) < 0) return errno;
  int lines = 0;
  for (const char* at = table; *at != '\0'; ++at) lines += *at == '\n';
  return lines <= 1 ? ATTEMPT_HELD : escaped("/proc/net/unix has %d sockets", lines - 1);
}

static int sysv_segment(const char* arg) {
  return judge(shmget((key_t)strtol(arg, NULL, 0), 0, 0), "the host's SysV segment was found");
}

static int sysv_segment_by_id(const char* arg) {
  void* at = shmat((int)strtol(arg, NULL, 0), NULL, SHM_RDONLY);
  return at == (void*)-1 ? errno : escaped("the host's SysV segment was mapped");
}

static int sysv_unlisted(UNUSED const char* arg) {
  static const char* const kTables[] = {"/proc/sysvipc/shm", "/proc/sysvipc/sem",
                                        "/proc/sysvipc/msg"};
  for (size_t table = 0; table < sizeof(kTables) / sizeof(kTables[0]); ++table) {
    char text[4096];
    if (slurp(kTables[table], text, sizeof(text)) < 0) continue;
    const char* end_of_head = strchr(text, '\n');
    if (end_of_head != NULL && end_of_head[1] != '\0') {
      return escaped("%s is not empty", kTables[table]);
    }
  }
  return ATTEMPT_HELD;
}

static int posix_segment(const char* arg) {
  return judge(shm_open(arg, O_RDONLY, 0), "the host's POSIX segment was opened");
}

static int posix_queue(const char* arg) {
  return judge(mq_open(arg, O_RDONLY | O_NONBLOCK), "the host's message queue was opened");
}

const struct attempt kNetworkAttempts[] = {
    {"socket_packet", socket_packet, kPlain},
    {"socket_raw", socket_raw, kPlain},
    {"socket_raw6", socket_raw6, kPlain},
    {"socket_vsock", socket_vsock, kPlain},
    {"socket_alg", socket_alg, kPlain},
    {"socket_key", socket_key, kPlain},
    {"socket_bluetooth", socket_bluetooth, kPlain},
    {"socket_tipc", socket_tipc, kPlain},
    {"socket_xdp", socket_xdp, kPlain},
    {"socket_netfilter", socket_netfilter, kPlain},
    {"socket_audit", socket_audit, kPlain},
    {"socket_uevent", socket_uevent, kPlain},
    {"socket_generic_netlink", socket_generic_netlink, kPlain},
    {"socket_vsock_high_bits", socket_vsock_high_bits, kPlain},
    {"socket_netfilter_high_bits", socket_netfilter_high_bits, kPlain},
    {"socketpair_tipc", socketpair_tipc, kPlain},
    {"only_loopback", only_loopback, kPlain},
    {"send_outside", send_outside, kPlain},
    {"host_sockets_unlisted", host_sockets_unlisted, kPlain},
    {"sysv_unlisted", sysv_unlisted, kPlain},
    {"connect_loopback", connect_loopback, kNeedsArg},
    {"connect_abstract", connect_abstract, kNeedsArg},
    {"connect_path", connect_path, kNeedsArg},
    {"abstract_listed", abstract_listed, kNeedsArg},
    {"sysv_segment", sysv_segment, kNeedsArg},
    {"sysv_segment_by_id", sysv_segment_by_id, kNeedsArg | kAnyErrno},
    {"posix_segment", posix_segment, kNeedsArg},
    {"posix_queue", posix_queue, kNeedsArg},
    {NULL, NULL, 0},
};

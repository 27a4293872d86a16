#include "cli/hints.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string_view>

#include "cli/verb.h"

namespace nucleus::cli {
namespace {

TEST(Hints, NameTheNearestFlagOrWhatDockersFlagIsHere) {
  const std::vector<std::string> known = {"--memory", "--pids", "--timeout", "--network"};
  EXPECT_EQ(hint_for("--memroy", known), "did you mean --memory?");
  EXPECT_EQ(hint_for("--timout=3", known), "did you mean --timeout?");
  EXPECT_EQ(hint_for("--pids-limit=5", known), "use --pids");
  EXPECT_EQ(hint_for("--completely-else", known), "");
  EXPECT_NE(hint_for("--privileged", known).find("--cap-add"), std::string::npos);
}

// The long names of `docker run --help` (28) and of what `podman run --help` (5) has besides.
constexpr std::string_view kTheirs =
    "add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop "
    "cgroup-parent cgroupns cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period "
    "cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach detach-keys device "
    "device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops "
    "disable-content-trust dns dns-option dns-search domainname entrypoint env env-file "
    "expose gpus group-add health-cmd health-interval health-retries health-start-interval "
    "health-start-period health-timeout hostname init interactive io-maxbandwidth io-maxiops "
    "ip ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver "
    "log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name "
    "network network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit "
    "platform privileged publish publish-all pull quiet read-only restart rm runtime "
    "security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty "
    "ulimit use-api-socket user userns uts volume volume-driver volumes-from workdir net arch "
    "authfile cert-dir cgroup-conf cgroups chrootdirs conmon-pidfile creds decryption-key "
    "dns-opt env-host env-merge gidmap group-entry health-log-destination "
    "health-max-log-count health-max-log-size health-on-failure health-startup-cmd "
    "health-startup-interval health-startup-retries health-startup-success "
    "health-startup-timeout hostuser hosts-file http-proxy image-volume init-ctr init-path "
    "no-hostname no-hosts os passwd passwd-entry pidfile pod pod-id-file preserve-fd "
    "preserve-fds rdt-class read-only-tmpfs replace requires retry retry-delay rmi rootfs "
    "sdnotify seccomp-policy secret shm-size-systemd subgidname subuidname systemd timeout "
    "tls-verify tz uidmap umask unsetenv unsetenv-all variant ";

TEST(Hints, EveryFlagOfDockersAndPodmansIsOurOwnOrHasAWord) {
  std::set<std::string> own;
  for (const config::OptionText& option : kRunText.options) own.insert(option.name);
  std::istringstream names{std::string(kTheirs)};
  for (std::string name; names >> name;) {
    const bool hinted = !hint_for("--" + name, {}).empty();
    EXPECT_NE(own.contains(name), hinted) << name;
  }
  for (const char* letter : {"-a", "-c", "-h", "-l", "-p", "-P", "-q"})
    EXPECT_NE(hint_for(letter, {}), "") << letter;
}

// A word that sends its reader to a flag sends him to one that is there.
TEST(Hints, NameFlagsThatAreThere) {
  std::set<std::string> own = {"--help"};
  for (const config::OptionText& option : kRunText.options)
    own.insert(std::string("--") + option.name);
  std::istringstream names{std::string(kTheirs)};
  for (std::string name; names >> name;) {
    std::istringstream words(hint_for("--" + name, {}));
    for (std::string word; words >> word;) {
      if (!word.starts_with("--")) continue;
      const std::string flag =
          word.substr(0, word.find_first_not_of("-abcdefghijklmnopqrstuvwxyz"));
      EXPECT_TRUE(own.contains(flag)) << name << ": " << word;
    }
  }
}

}  // namespace
}  // namespace nucleus::cli

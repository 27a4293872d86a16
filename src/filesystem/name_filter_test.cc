#include "filesystem/name_filter.h"

#include <gtest/gtest.h>

namespace nucleus::filesystem {
namespace {

TEST(NameFilter, LeavesOutNamesThatTendToHoldSecrets) {
  const NameFilter filter;
  EXPECT_FALSE(filter.lets_all_through());
  for (const char* name : {".env",
                           ".env.local",
                           ".env.production",
                           ".netrc",
                           ".npmrc",
                           ".pypirc",
                           ".ssh",
                           ".aws",
                           ".gnupg",
                           ".kube",
                           ".docker",
                           "id_rsa",
                           "id_ed25519",
                           "id_ecdsa",
                           "id_dsa",
                           "server.pem",
                           "server.key",
                           "a.p12",
                           "a.pfx",
                           "a.kdbx",
                           "credentials.json",
                           ".git-credentials",
                           ".htpasswd",
                           ".pem",
                           "a\nb.key"}) {
    EXPECT_FALSE(filter.lets_through(name)) << name;
  }
}

TEST(NameFilter, LetsOrdinaryNamesThrough) {
  const NameFilter filter;
  for (const char* name :
       {".git", ".gitignore", ".env.example", ".envrc", "env", "id_rsa.pub", "main.cc", "pem",
        "key", "a.pem.txt", "monkey", "Dockerfile", "credentials.json.md", "docker", ""}) {
    EXPECT_TRUE(filter.lets_through(name)) << name;
  }
}

TEST(NameFilter, UserLetsNamesThroughAgain) {
  const NameFilter filter({"*.pem", ".env"});
  EXPECT_FALSE(filter.lets_all_through());
  EXPECT_TRUE(filter.lets_through("ca.pem"));
  EXPECT_TRUE(filter.lets_through(".pem"));
  EXPECT_TRUE(filter.lets_through(".env"));
  EXPECT_FALSE(filter.lets_through(".env.local"));
  EXPECT_FALSE(filter.lets_through("ca.key"));
}

TEST(NameFilter, NameNeedNotBeTerminated) {
  const NameFilter filter({".env"});
  EXPECT_TRUE(filter.lets_through(std::string_view(".env.local").substr(0, 4)));
}

TEST(NameFilter, StarLetsAllThrough) {
  const NameFilter filter({"x", "*"});
  EXPECT_TRUE(filter.lets_all_through());
  EXPECT_TRUE(filter.lets_through("id_rsa"));
  EXPECT_TRUE(filter.lets_through(".env"));
}

}  // namespace
}  // namespace nucleus::filesystem

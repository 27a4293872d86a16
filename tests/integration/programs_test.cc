// Ordinary programs run unchanged under the default policy.
#include "support/everybody.h"

namespace nucleus::test {
namespace {

NUCLEUS_SUITE(Programs);

constexpr const char* kPython = R"(
import subprocess, threading, multiprocessing, sqlite3, ssl, socket, errno, os
def square(x): return x * x
if __name__ == '__main__':
    print(subprocess.run(['echo', 'sub'], capture_output=True, text=True).stdout.strip())
    t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()
    with multiprocessing.Pool(2) as pool: print(pool.map(square, [1, 2, 3]))
    db = sqlite3.connect('/tmp/x.db'); db.execute('create table t(a)'); db.execute('insert into t values(7)'); db.commit()
    print(db.execute('select a from t').fetchone()[0])
    ssl.create_default_context()
    try: socket.create_connection(('192.0.2.1', 80), 2)
    except OSError as e: print(errno.errorcode[e.errno])
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); c = socket.create_connection(s.getsockname()); print('loopback')
    try: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    except OSError as e: print(errno.errorcode[e.errno])
)";

TEST_P(Programs, Shells) {
  EXPECT_EQ(sandbox
                .run({"--", "bash", "-c",
                      "echo $((6*7)) | tee /tmp/x | cat; wait; [[ -f /tmp/x ]] && echo ok"})
                .out,
            "42\nok\n");
  EXPECT_EQ(
      sandbox.run({"--", "dash", "-c", "for i in 1 2 3; do echo $i; done | sort -r | head -1"}).out,
      "3\n");
}

TEST_P(Programs, FindAndTar) {
  const Ended ended = sandbox.sh(
      "cd /tmp && mkdir -p a/b && echo x > a/b/f && tar czf a.tgz a && rm -r a && tar xzf a.tgz && "
      "find a -type f");
  EXPECT_EQ(ended.out, "a/b/f\n") << ended.all();
}

TEST_P(Programs, Git) {
  const Ended ended = sandbox.sh(
      "cd /tmp && git init -q r && cd r && git config user.email a@example.org && git config "
      "user.name n && echo x > f &&"
      "git add f && git commit -qm first && git clone -q /tmp/r /tmp/c && git -C /tmp/c log "
      "--format=%s");
  EXPECT_EQ(ended.out, "first\n") << ended.all();
}

TEST_P(Programs, Python) {
  sandbox.make_directory("ctx");
  sandbox.write("ctx/all.py", kPython);
  const Ended ended =
      sandbox.run({"--context", sandbox.home() + "/ctx", "--", "python3", "all.py"});
  EXPECT_EQ(ended.out, "sub\nthread\n[1, 4, 9]\n7\nENETUNREACH\nloopback\nEAFNOSUPPORT\n")
      << ended.all();
}

TEST_P(Programs, CompilersAndBuilds) {
  sandbox.make_directory("ctx");
  sandbox.write("ctx/hello.c", "#include <stdio.h>\nint main(void) { puts(\"c\"); }\n");
  sandbox.write("ctx/hello.cc",
                "#include <iostream>\n#include <thread>\nint main() { std::thread([] { std::cout "
                "<< \"c++\\n\"; }).join(); }\n");
  sandbox.write(
      "ctx/CMakeLists.txt",
      "cmake_minimum_required(VERSION 3.20)\nproject(h CXX)\nfind_package(Threads REQUIRED)\n"
      "add_executable(h hello.cc)\ntarget_link_libraries(h Threads::Threads)\n");
  const Ended ended = sandbox.sh(
      "gcc hello.c -o h1 && ./h1 && cmake -S . -B b >/dev/null && make -s -C b >/dev/null && b/h",
      {"--context", sandbox.home() + "/ctx"});
  EXPECT_EQ(ended.out, "c\nc++\n") << ended.all();
}

TEST_P(Programs, PerlAndOpenssl) {
  EXPECT_EQ(sandbox
                .run({"--", "perl", "-e",
                      "my $p = fork; exit 3 unless $p; waitpid $p, 0; print $? >> 8, \"\\n\""})
                .out,
            "3\n");
  EXPECT_EQ(sandbox.sh("printf abc | openssl dgst -sha256 | tail -c 9").out, "f20015ad\n");
}

TEST_P(Programs, Node) {
  if (::access("/usr/bin/node", X_OK) != 0) GTEST_SKIP() << "node is not installed here";
  const Ended ended =
      sandbox.run({"--", "node", "-e",
                   "const {Worker} = require('worker_threads');"
                   "new Worker('require(\"worker_threads\").parentPort.postMessage(42)', {eval: "
                   "true}).on('message', m => console.log(m))"});
  EXPECT_EQ(ended.out, "42\n") << ended.all();
}

TEST_P(Programs, Java) {
  if (::access("/usr/bin/java", X_OK) != 0) GTEST_SKIP() << "java is not installed here";
  const Ended ended = sandbox.run({"--", "java", "-version"});
  EXPECT_EQ(ended.code, 0) << ended.all();
}

}  // namespace
}  // namespace nucleus::test

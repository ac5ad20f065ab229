#define _GNU_SOURCE
#include "Vitals.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>

int cplatform_kill_later(int process, unsigned long long birth, int seconds) {
    char pid[16], start[24], delay[16];
    snprintf(pid, sizeof pid, "%d", process);
    snprintf(start, sizeof start, "%llu", birth);
    snprintf(delay, sizeof delay, "%d", seconds);
    // Behind the name, which may hold spaces and ends with the last bracket, the start time is field 20.
    char script[] = "sleep $2; status=$(cat /proc/$0/stat) && set -- $1 ${status##*) } && [ \"${21}\" = $1 ] && kill -KILL $0";
    char *arguments[] = {"sh", "-c", script, pid, start, delay, NULL};

    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&files);
    // A session of its own, since a launcher ends the process groups of its ranks; and no hold on its pipes.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    for (int file = 0; file < 3; file++) posix_spawn_file_actions_addopen(&files, file, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    pid_t child;
    int code = posix_spawn(&child, "/bin/sh", &files, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return code;
}

package runtime

import (
	"os/exec"
	"syscall"
)

// ownGroup gives a command a process group, so that what it starts can be found, and lets it end with this process, however that ends.
func ownGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup kills a command and what it has started.
func killGroup(command *exec.Cmd) error {
	return syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
}

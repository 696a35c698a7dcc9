package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"time"
)

// A failure is what Lambda says in a function's place where the function cannot speak for itself.
type failure struct {
	kind    string // errorType
	message string
}

func (f *failure) Error() string { return f.kind + ": " + f.message }

func timedOut(after time.Duration) error {
	return &failure{"Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds())}
}

// An invocation is an event on its way through a process.
type invocation struct {
	id       string
	trace    string
	payload  []byte
	deadline time.Time
}

// A process is one running bootstrap with a Runtime API of its own. It does one thing at a time.
type process struct {
	deployment *deployment
	journal    *journal
	started    time.Time
	kill       context.CancelFunc
	exited     chan struct{} // closed when there is nothing left of the process
	exit       error         // why it ended, once it has

	asked chan struct{}    // a token when the process has asked for an event
	work  chan *invocation // and here it gets one

	// What the process has done of its part in the Runtime API.
	mutex       sync.Mutex
	initialized bool
	waiting     bool
	announced   bool // a token is or was in asked for the event that comes next; a process may ask anew, having lost the connection
	current     *invocation
	reply       *reply
}

// A reply is what a process says of an event, or of why it cannot take any.
type reply struct {
	payload []byte
	failed  bool
}

// start starts a process of a deployment. One that cannot be started for reasons of its own has exited.
func (r *Runtime) start(d *deployment) (*process, error) {
	f := d.function
	surroundings, err := r.surroundings(f)
	if err != nil {
		return nil, err
	}
	temporary, err := os.MkdirTemp(d.dir, "tmp-")
	if err != nil {
		return nil, fmt.Errorf("making its temporary directory: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(r.context, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for it: %w", err)
	}
	journal, err := newJournal(func(line string) { r.logs(f, line) })
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("making a pipe for its log: %w", err)
	}
	ctx, kill := context.WithCancel(r.context)
	p := &process{
		deployment: d, journal: journal, started: time.Now(), kill: kill, exited: make(chan struct{}),
		asked: make(chan struct{}, 1), work: make(chan *invocation),
	}
	server := &http.Server{Handler: p.api(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed

	task := filepath.Join(d.dir, taskRoot)
	command := exec.CommandContext(ctx, filepath.Join(task, bootstrap))
	command.Dir = task
	command.Env = environment(f, listener.Addr().String(), task, temporary, surroundings)
	command.Stdout, command.Stderr = journal.to, journal.to
	ownGroup(command)
	command.Cancel = func() error { return killGroup(command) }

	r.mutex.Lock()
	d.users++
	r.mutex.Unlock()
	r.work.Add(1) // no race with Close's Wait: the invocation that this is for counts
	go func() {
		defer r.work.Done()
		defer close(p.exited)
		defer r.drop(d)
		defer kill()
		p.exit = run(command)
		journal.close()
		_ = server.Close()
		_ = os.RemoveAll(temporary) // removed with the deployment at the latest
	}()
	return p, nil
}

// run runs a command to its end, and says in Lambda's words how it ended. What it has started itself ends with it.
func run(command *exec.Cmd) error {
	// The kernel ends the process with the thread that has started it, so that thread has to live as long.
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	const where = "/var/task/" + bootstrap
	if info, err := os.Stat(command.Path); err != nil || info.IsDir() {
		return &failure{"Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [" + where + " /opt/" + bootstrap + "]"}
	}
	if err := command.Start(); err != nil {
		var refused *os.PathError
		if errors.As(err, &refused) {
			err = refused.Err
		}
		return &failure{"Runtime.InvalidEntrypoint", "fork/exec " + where + ": " + err.Error()}
	}
	err := command.Wait()
	_ = killGroup(command) // an error is that nobody is left
	if err != nil {
		return &failure{"Runtime.ExitError", "Runtime exited with error: " + command.ProcessState.String()}
	}
	return &failure{"Runtime.ExitError", "Runtime exited without providing a reason"}
}

// invoke hands an event to the process, which is a new one where cold, and waits until it is ready for another. The process has ended
// where it returns an error, and may have where it does not.
func (p *process) invoke(ctx context.Context, i *invocation, cold bool, initLimit time.Duration) (Answer, error) {
	f := p.deployment.function
	answer := Answer{RequestID: i.id}
	var err error
	if cold {
		limited, cancel := context.WithTimeoutCause(ctx, initLimit, timedOut(initLimit))
		err = p.wait(limited)
		cancel()
		answer.InitDuration = time.Since(p.started)
	}
	p.journal.start(f, i.id)
	begin := time.Now()
	if err == nil {
		limited, cancel := context.WithTimeoutCause(ctx, f.Timeout, timedOut(f.Timeout))
		i.deadline = begin.Add(f.Timeout)
		err = p.deliver(limited, i)
		cancel()
	}
	answer.Duration = time.Since(begin)

	p.mutex.Lock()
	given := p.reply
	p.reply = nil
	p.mutex.Unlock()
	var failed *failure
	switch {
	case given != nil: // what happened after that is no matter of this invocation
		answer.Payload = given.payload
		if given.failed {
			answer.FunctionError = unhandled
		}
	case errors.As(err, &failed):
		message := "RequestId: " + i.id + " Error: " + failed.message
		answer.Payload, answer.FunctionError = errorDocument(failed.kind, message), unhandled
		p.journal.add(message)
		p.journal.add(failed.kind)
	case err != nil:
		return Answer{}, err
	}
	p.journal.end(f, &answer)
	return answer, nil
}

// unhandled is the FunctionError of the runtimes that bring their own bootstrap, whatever went wrong.
const unhandled = "Unhandled"

// deliver hands an event over, and waits until the process asks for the next.
func (p *process) deliver(ctx context.Context, i *invocation) error {
	select {
	case p.work <- i:
	case <-p.exited:
		return p.exit
	case <-ctx.Done():
		return p.end(ctx)
	}
	return p.wait(ctx)
}

// wait waits until the process asks for an event, and all that it has written before is in the journal. Where that does not happen as
// long as the context lives, the process is killed.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.asked:
		p.journal.sync()
		return nil
	case <-p.exited:
		return p.exit
	case <-ctx.Done():
		return p.end(ctx)
	}
}

// end kills the process for the reason that the context ended, and returns that.
func (p *process) end(ctx context.Context) error {
	p.kill()
	<-p.exited
	return context.Cause(ctx)
}

// errorDocument is how Lambda shows an error.
func errorDocument(kind, message string) []byte {
	document, _ := json.Marshal(struct { // two strings: no error
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{kind, message})
	return document
}

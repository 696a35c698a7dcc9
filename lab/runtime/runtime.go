// Package runtime runs deployed Lambda functions as processes of this machine. The bootstrap of the deployment package runs as it is
// and speaks to a Lambda Runtime API, https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, in an environment with nothing
// of this process in it.
//
// Lambda's isolation is not imitated: a process runs as the user of this one, sees the machine's files and network, has what memory
// it takes (no limit is enforced), and the only limit to how many run at once is the function's reserved concurrency. Lambda may tell
// a function that init failed after a second attempt; here there is one. Layers and extensions do not exist.
package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/google/uuid"
)

// The quotas of a synchronous invocation in bytes, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MiB,
// and what an answer has on top.
const (
	MaxRequest  = 6_291_456
	MaxResponse = 6_291_556
)

// initLimit is how long a function may take until it asks for the first invocation.
const initLimit = 10 * time.Second

// Function is a deployed function, as Lambda's configuration describes it.
type Function struct {
	ARN    string
	Name   string
	Region string
	// Version is $LATEST or a number.
	Version string
	// Code is the deployment package: a zip with an executable named bootstrap at its root.
	Code []byte
	// Environment holds the function's own variables.
	Environment map[string]string
	// MemorySize is in MiB. The function is told; nothing enforces it.
	MemorySize int
	Timeout    time.Duration
	// ReservedConcurrency is how many invocations may be in progress at once: nil is any number, 0 is none.
	ReservedConcurrency *int
	LogGroup            string
	// LogFormat is JSON or Text.
	LogFormat string
	// Trace is the tracing mode, Active or PassThrough.
	Trace string
	// Revision is anything that changes with what is not told here, as the execution role.
	Revision string
}

// Answer is what came of an invocation.
type Answer struct {
	Payload []byte
	// FunctionError is empty where the function succeeded, and Unhandled where Payload describes why it did not.
	FunctionError string
	RequestID     string
	// Duration is from handing the event over until the function was ready for another.
	Duration time.Duration
	// InitDuration is from starting the process until it asked for an event; 0 where it was running already.
	InitDuration time.Duration
	// Log is the end of what the function logged, 4 KiB at most.
	Log []byte
}

// Error is an answer of Lambda's Invoke that is not the function's, https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
type Error struct {
	// Code is Lambda's name for it, as TooManyRequestsException.
	Code string
	// Reason tells kinds of the same Code apart; often empty.
	Reason  string
	Message string
	// Status is the HTTP status that it comes with.
	Status int
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

var errClosed = errors.New("the function runtime is closed; nothing can be invoked any more")

// Runtime runs functions. It is safe for concurrent use.
type Runtime struct {
	dir          string
	surroundings func(Function) (map[string]string, error)
	logs         func(Function, string)
	initLimit    time.Duration

	context context.Context // ends with Close, and every process with it
	stop    context.CancelFunc
	work    sync.WaitGroup // invocations and processes

	mutex      sync.Mutex
	closed     bool
	deployed   map[string]*deployment // by the function's ARN
	concurrent map[string]int         // invocations in progress, by the function's ARN
}

// New makes a runtime. The directory is its own: it is made when it is needed, and removed by Close. Surroundings is asked for each
// new process which variables it gets besides Lambda's and the function's own: credentials, endpoints. Logs is told each line that a
// function writes to its standard output or error, and Lambda's own lines between; for one process it is called in order, for several
// at once.
//
// The caller closes the runtime.
func New(dir string, surroundings func(Function) (map[string]string, error), logs func(f Function, line string)) *Runtime {
	ctx, stop := context.WithCancel(context.Background())
	return &Runtime{
		dir: dir, surroundings: surroundings, logs: logs, initLimit: initLimit, context: ctx, stop: stop,
		deployed: map[string]*deployment{}, concurrent: map[string]int{},
	}
}

// Close kills every process, fails the invocations in progress and removes the directory. It returns when all of that is done.
func (r *Runtime) Close() error {
	r.mutex.Lock()
	r.closed = true
	r.mutex.Unlock()
	r.stop()
	r.work.Wait()
	if err := os.RemoveAll(r.dir); err != nil {
		return fmt.Errorf("removing the code of the functions: %w", err)
	}
	return nil
}

// Invoke hands an event, JSON, to a function and waits for the answer: in an idle process of the function where there is one, else in a
// new one. A function whose code or configuration is another than in the invocation before gets new processes, and the old ones
// end. What goes wrong in the function, its time running out and its process ending included, is an Answer with FunctionError. An
// error is an *Error where Lambda refuses the invocation itself, and wraps what surroundings and the context have said. Where the
// context ends before the answer is there, the process is killed.
func (r *Runtime) Invoke(ctx context.Context, f Function, payload []byte) (Answer, error) {
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if err := checkEvent(payload); err != nil {
		return Answer{}, err
	}
	d, err := r.acquire(f)
	if err != nil {
		return Answer{}, err
	}
	defer r.release(d)
	if err := d.unpack(); err != nil {
		return Answer{}, err
	}
	i := &invocation{id: uuid.NewString(), trace: newTrace(f.Trace), payload: payload}
	p := r.idle(d)
	cold := p == nil
	if cold {
		if p, err = r.start(d); err != nil { //nolint:contextcheck // a process outlives the invocation that it is started for
			return Answer{}, fmt.Errorf("starting the function %s: %w", f.Name, err)
		}
	}
	answer, err := p.invoke(ctx, i, cold, r.initLimit)
	switch {
	case r.context.Err() != nil:
		return Answer{}, errClosed
	case err != nil:
		return Answer{}, fmt.Errorf("invoking the function %s: %w", f.Name, err)
	}
	r.rest(p)
	return answer, nil
}

// checkEvent refuses what Lambda does not hand to a function.
func checkEvent(payload []byte) error {
	if len(payload) > MaxRequest {
		return &Error{
			Code: "RequestEntityTooLargeException", Status: 413,
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", MaxRequest),
		}
	}
	if !json.Valid(payload) {
		return &Error{Code: "InvalidRequestContentException", Status: 400, Message: "Could not parse request body into json"}
	}
	return nil
}

// deployment is one code and configuration of a function.
type deployment struct {
	function Function
	dir      string       // set by unpack
	unpack   func() error // once, for everybody

	// Guarded by the runtime's mutex.
	retired bool
	idle    []*process
	users   int // invocations and processes, and the runtime as long as this is what is deployed
}

// acquire begins an invocation, which release ends.
func (r *Runtime) acquire(f Function) (*deployment, error) {
	r.mutex.Lock()
	if r.closed {
		r.mutex.Unlock()
		return nil, errClosed
	}
	if limit := f.ReservedConcurrency; limit != nil && r.concurrent[f.ARN] >= *limit {
		r.mutex.Unlock()
		return nil, &Error{
			Code: "TooManyRequestsException", Reason: "ReservedFunctionConcurrentInvocationLimitExceeded", Status: 429,
			Message: "Rate Exceeded.",
		}
	}
	before := r.deployed[f.ARN]
	d := before
	if before == nil || !same(before.function, f) {
		f.Environment = maps.Clone(f.Environment)
		d = &deployment{function: f, users: 1}
		d.unpack = sync.OnceValue(func() (err error) {
			d.dir, err = unpack(r.dir, f.Code)
			return err
		})
		r.deployed[f.ARN] = d
	}
	d.users++
	r.concurrent[f.ARN]++
	r.work.Add(1)
	var old []*process
	if before != nil && before != d {
		before.retired = true
		old, before.idle = before.idle, nil
	}
	r.mutex.Unlock()

	for _, p := range old {
		p.kill()
	}
	if before != nil && before != d {
		r.drop(before)
	}
	return d, nil
}

func (r *Runtime) release(d *deployment) {
	r.mutex.Lock()
	r.concurrent[d.function.ARN]--
	r.mutex.Unlock()
	r.drop(d)
	r.work.Done()
}

// drop takes a user from a deployment. With the last one goes its code.
func (r *Runtime) drop(d *deployment) {
	r.mutex.Lock()
	d.users--
	last := d.users == 0
	r.mutex.Unlock()
	if last && d.dir != "" {
		_ = os.RemoveAll(d.dir) // Close tries again, and tells
	}
}

// same tells whether the processes of one configuration do for the other. The limit of concurrency is none of theirs.
func same(a, b Function) bool {
	if !bytes.Equal(a.Code, b.Code) {
		return false
	}
	a.Code, b.Code = nil, nil
	a.ReservedConcurrency, b.ReservedConcurrency = nil, nil
	return reflect.DeepEqual(a, b)
}

// idle takes an idle process of a deployment, if there is one.
func (r *Runtime) idle(d *deployment) *process {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for len(d.idle) > 0 {
		last := len(d.idle) - 1
		p := d.idle[last]
		d.idle = d.idle[:last]
		select {
		case <-p.exited:
		default:
			return p
		}
	}
	return nil
}

// rest makes a process that has answered an idle one.
func (r *Runtime) rest(p *process) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if p.deployment.retired {
		p.kill()
		return
	}
	p.deployment.idle = append(p.deployment.idle, p)
}

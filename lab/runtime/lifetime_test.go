package runtime

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The test program, started with this variable, is a lab with a function that holds at the address.
const helper = "RUNTIME_TEST_HOLD_AT"

func TestMain(m *testing.M) {
	if address := os.Getenv(helper); address != "" {
		os.Exit(holdAt(address, os.Args[1], os.Args[2]))
	}
	os.Exit(m.Run())
}

func holdAt(address, code, dir string) int {
	content, err := os.ReadFile(code)
	if err != nil {
		return 1
	}
	r := New(dir, func(Function) (map[string]string, error) { return nil, nil }, func(Function, string) {})
	defer func() { _ = r.Close() }()
	f := Function{ARN: "arn:aws:lambda:eu-central-1:123456789012:function:Try", Name: "Try", Code: content, Timeout: initLimit}
	if _, err := r.Invoke(context.Background(), f, []byte(`{"do": "hold", "address": "`+address+`"}`)); err != nil {
		return 1
	}
	return 0
}

func TestKilledLabLeavesNoProcess(t *testing.T) {
	code, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "code.zip")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	g := newGate(t)
	other := exec.Command(os.Args[0], file, filepath.Join(dir, "functions"))
	other.Env = append(os.Environ(), helper+"="+g.address)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	h := g.held(t)
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // killed
	h.gone()
}

func TestClose(t *testing.T) {
	g := newGate(t)
	l := start(t, nil)
	failed := make(chan error)
	f := l.function
	go func() {
		_, err := l.Invoke(t.Context(), f, []byte(`{"do": "hold", "address": "`+g.address+`"}`))
		failed <- err
	}()
	inProgress := g.held(t)
	l.must(t, "child", "address", g.address) // idle then, but for its child
	child := g.held(t)
	l.must(t, "leave")
	idle := l.deployed[f.ARN].idle[0]
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-idle.exited:
	default:
		t.Error("the idle process is still there")
	}
	if err := <-failed; !errors.Is(err, errClosed) {
		t.Errorf("the invocation in progress: %v", err)
	}
	inProgress.gone()
	child.gone()
	if _, err := os.Stat(l.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
	if _, _, err := l.try(t.Context(), "say"); !errors.Is(err, errClosed) {
		t.Errorf("after that: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("once more: %v", err)
	}
}

// What a process has started ends with it.
func TestChildren(t *testing.T) {
	g := newGate(t)
	l := start(t, nil)
	l.must(t, "child", "address", g.address)
	child := g.held(t)
	if _, _, err := l.try(t.Context(), "exit 0"); err != nil {
		t.Fatal(err)
	}
	child.gone()
}

// A runtime that does not keep to the rules is told so, and can go on.
func TestRules(t *testing.T) {
	l := start(t, map[string]string{"START": "raw"})
	for range 2 {
		answer, err := l.Invoke(t.Context(), l.function, nil)
		if want := "[200,403,403,400,404]"; err != nil || string(answer.Payload) != want {
			t.Errorf("the statuses are %s, want %s; %v", answer.Payload, want, err)
		}
	}
	if lines := l.logged(); len(lines) < 2 || lines[1] != "accepted 202 and again 400" {
		t.Errorf("the log is %q", lines)
	}
}

// A process may ask anew where it has lost the connection, and gets one event for that.
func TestLostConnection(t *testing.T) {
	journal, err := newJournal(func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer journal.close()
	p := &process{
		deployment: &deployment{}, journal: journal, exited: make(chan struct{}), asked: make(chan struct{}, 1), work: make(chan *invocation),
	}
	api := p.api()
	ask := func(ctx context.Context) <-chan *httptest.ResponseRecorder {
		result := make(chan *httptest.ResponseRecorder)
		go func() {
			recorder := httptest.NewRecorder()
			api.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/2018-06-01/runtime/invocation/next", nil))
			result <- recorder
		}()
		return result
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := ask(ctx)
	if err := p.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-ask(t.Context()); got.Code != http.StatusForbidden {
		t.Errorf("asking for an event twice: %d", got.Code)
	}
	cancel()
	<-first
	second := ask(t.Context())
	delivered := make(chan error)
	go func() { delivered <- p.deliver(t.Context(), &invocation{id: "1", payload: []byte("{}")}) }()
	if got := <-second; got.Code != http.StatusOK || got.Header().Get("Lambda-Runtime-Aws-Request-Id") != "1" {
		t.Errorf("%d, %v", got.Code, got.Header())
	}
	if len(p.asked) != 0 {
		t.Error("the process is taken for ready for another event")
	}
	if got := <-ask(t.Context()); got.Code != http.StatusForbidden {
		t.Errorf("asking for an event without having answered: %d", got.Code)
	}
	response := httptest.NewRecorder()
	api.ServeHTTP(response, httptest.NewRequest(http.MethodPost, "/2018-06-01/runtime/invocation/1/response", nil))
	if response.Code != http.StatusAccepted {
		t.Errorf("the response got %d", response.Code)
	}
	ctx, cancel = context.WithCancel(t.Context())
	third := ask(ctx)
	if err := <-delivered; err != nil {
		t.Error(err)
	}
	cancel()
	<-third
}

package runtime

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

const invalidState = "InvalidStateTransition"

// api is the Runtime API of a process, https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
func (p *process) api() http.Handler {
	const version = "/2018-06-01/runtime"
	routes := http.NewServeMux()
	routes.HandleFunc("GET "+version+"/invocation/next", p.next)
	routes.HandleFunc("POST "+version+"/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) { p.answer(w, r, false) })
	routes.HandleFunc("POST "+version+"/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { p.answer(w, r, true) })
	routes.HandleFunc("POST "+version+"/init/error", p.initError)
	return routes
}

// next waits for an event and hands it over.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	p.mutex.Lock()
	if p.waiting || p.current != nil {
		p.mutex.Unlock()
		refuse(w, http.StatusForbidden, invalidState, "The invocation before has no response yet")
		return
	}
	announced := p.announced
	p.waiting, p.initialized, p.announced = true, true, true
	p.mutex.Unlock()

	if !announced {
		p.asked <- struct{}{} // there is room: the token before was taken to send the event before
	}
	var i *invocation
	select {
	case i = <-p.work:
	case <-r.Context().Done():
	}
	p.mutex.Lock()
	p.waiting, p.current, p.announced = false, i, i == nil
	p.mutex.Unlock()
	if i == nil {
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Lambda-Runtime-Aws-Request-Id", i.id)
	header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
	header.Set("Lambda-Runtime-Invoked-Function-Arn", p.deployment.function.ARN)
	header.Set("Lambda-Runtime-Trace-Id", i.trace)
	_, _ = w.Write(i.payload) // a process that has gone is noticed elsewhere
}

// answer takes what the process says of the event that it has.
func (p *process) answer(w http.ResponseWriter, r *http.Request, failed bool) {
	given, err := readReply(w, r, failed)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.current == nil || p.current.id != r.PathValue("id") {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		message := fmt.Sprintf("ayload size exceeded maximum allowed payload size (%d bytes).", MaxResponse)
		p.current, p.reply = nil, &reply{errorDocument("Function.ResponseSizeTooLarge", "Response p"+message), true}
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "P"+message)
	case err != nil:
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
	default:
		p.current, p.reply = nil, given
		accept(w)
	}
}

// initError takes why the process cannot take events, and ends it.
func (p *process) initError(w http.ResponseWriter, r *http.Request) {
	given, err := readReply(w, r, true)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.initialized {
		refuse(w, http.StatusForbidden, invalidState, "The function has been initialized")
		return
	}
	p.reply = given
	accept(w)
	_ = http.NewResponseController(w).Flush() // what the process does not learn any more, it does not need
	p.kill()
}

func readReply(w http.ResponseWriter, r *http.Request, failed bool) (*reply, error) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxResponse))
	return &reply{payload, failed}, err
}

// accept is the answer to whatever was posted.
func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(errorDocument(kind, message))
}

// Package endpoint is the network face of simulated accounts: S3, STS and Lambda's Invoke, over https and over plain http, on the
// loopback interface. Signatures and TLS are real. Who may do what is decided by the policies of the accounts, for every request; what
// is allowed of S3 is done by gofakes3.
package endpoint

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rclone/gofakes3"

	"cross-account-s3/lab/account"
	"cross-account-s3/policy"
)

// Invocation is what came of invoking a function.
type Invocation struct {
	// Payload is the function's answer, or its error as JSON.
	Payload []byte
	// FunctionError is empty where the function succeeded.
	FunctionError string
	// LogTail is the end of what the function wrote.
	LogTail   []byte
	RequestID string
}

// Invoker runs a function. An *Error is answered as it is.
type Invoker func(ctx context.Context, function account.Function, payload []byte) (Invocation, error)

// Access is a request that has been decided.
type Access struct {
	Time time.Time
	// Principal is the ARN of a session, or anonymous.
	Principal string
	Action    string
	Resource  string
	// Transport is "plain http", or the version of TLS as in "TLS 1.3".
	Transport string
	Case      policy.Case
	Result    policy.Result
}

// Endpoint serves accounts.
type Endpoint struct {
	world       *account.World
	invoke      Invoker
	objects     http.Handler
	address     string
	caFile      string
	certificate tls.Certificate
	servers     []*http.Server
	serving     sync.WaitGroup
	nowhere     net.Listener // accepts nothing
	mutex       sync.RWMutex
	observer    func(Access)
	behind      map[string]string // the URLs of VPC endpoints, by their ids
}

// Start serves the accounts of a world on a free port, until Close; the context is for starting. It writes the certificate of its
// authority into the directory.
func Start(ctx context.Context, world *account.World, invoke Invoker, directory string) (*Endpoint, error) {
	certificate, caFile, err := issue(directory)
	if err != nil {
		return nil, err
	}
	e := &Endpoint{
		world: world, invoke: invoke, caFile: caFile, certificate: certificate, observer: func(Access) {}, behind: map[string]string{},
	}
	// Skewed clocks are the signature's business.
	e.objects = gofakes3.New(storage{world.Objects(), world}, gofakes3.WithTimeSkewLimit(0)).Server()
	if e.address, err = e.listen(ctx, nil); err != nil {
		return nil, err
	}
	if e.nowhere, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(fmt.Errorf("serving nobody: %w", err), e.Close())
	}
	return e, nil
}

// listen serves the accounts on a free port, behind a VPC endpoint where there is one.
func (e *Endpoint) listen(ctx context.Context, behind *account.VPCEndpoint) (address string, err error) {
	listener, err := listen(ctx, e.certificate)
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler: http.HandlerFunc(e.serve), ReadHeaderTimeout: time.Minute, ConnContext: remember,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), vpcEndpointKey{}, behind)
		},
		ErrorLog: log.New(io.Discard, "", 0), // A client that goes away, or does not trust the certificate, is its own affair.
	}
	e.mutex.Lock()
	e.servers = append(e.servers, server)
	e.mutex.Unlock()
	e.serving.Go(func() { _ = server.Serve(listener) }) // Which ends with Close.
	return listener.Addr().String(), nil
}

type vpcEndpointKey struct{}

// ServeVPCEndpoint serves S3 over TLS to those in a VPC, through the endpoint of it with this id, until Close. What comes to the URL has
// the ids of both, and a private address. Another call has the same URL.
func (e *Endpoint) ServeVPCEndpoint(ctx context.Context, id string) (url string, err error) {
	endpoint, err := e.world.VPCEndpoint(id)
	if err != nil {
		return "", err
	}
	e.mutex.RLock()
	url = e.behind[id]
	e.mutex.RUnlock()
	if url != "" {
		return url, nil
	}
	address, err := e.listen(ctx, &endpoint)
	if err != nil {
		return "", err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.behind[id] = "https://" + address
	return e.behind[id], nil
}

// pass has the VPC endpoint's policy decide what the request has been allowed otherwise, where it has come through one. What S3 asks of KMS
// does not.
func (e *Endpoint) pass(ctx context.Context, r *request, allowed policy.Case, observe observer) error {
	behind := r.behind()
	if behind == nil || !strings.HasPrefix(allowed.Request.Action, "s3:") {
		return nil
	}
	c, result, err := e.world.AuthorizeThrough(ctx, behind.ID, allowed)
	if err != nil {
		return err
	}
	if result.Decision == policy.Allowed {
		return nil
	}
	observe(r, c, result)
	return deniedBy(c, result, "VPC endpoint policy")
}

// behind is the VPC endpoint that the request has come through; nil where there is none.
func (r *request) behind() *account.VPCEndpoint {
	behind, _ := r.Context().Value(vpcEndpointKey{}).(*account.VPCEndpoint)
	return behind
}

// URL is where the accounts answer over TLS.
func (e *Endpoint) URL() string { return "https://" + e.address }

// PlainURL is where they answer over plain http: at the same address.
func (e *Endpoint) PlainURL() string { return "http://" + e.address }

// NowhereURL is where nothing answers, as when a network has no way to S3.
func (e *Endpoint) NowhereURL() string { return "https://" + e.nowhere.Addr().String() }

// CAFile is the certificate to trust, as PEM.
func (e *Endpoint) CAFile() string { return e.caFile }

// Observe has each decision told to a function, before the request is answered. It takes the place of the one before.
func (e *Endpoint) Observe(observer func(Access)) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.observer = observer
}

// Close ends all connections.
func (e *Endpoint) Close() error {
	var problems []error
	if e.nowhere != nil {
		if err := e.nowhere.Close(); !errors.Is(err, net.ErrClosed) { // By another Close.
			problems = append(problems, err)
		}
	}
	for _, server := range e.servers {
		problems = append(problems, server.Close())
	}
	e.serving.Wait()
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("closing the accounts' endpoint: %w", err)
	}
	return nil
}

// request is a request with what has been found out about it.
type request struct {
	*http.Request
	id string
	// key is whose signature it has, nil for nobody's.
	key *account.Key
	// point is the access point that it came through, nil for none.
	point *account.AccessPoint
	// region and service are those that it was signed for.
	region, service string
	presigned       bool
	time            time.Time
}

func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	r.TLS = tlsOf(r.Context())
	asked := &request{Request: r, id: rand.Text()[:16], time: time.Now().UTC()}
	ctx := r.Context()
	behind := asked.behind()
	if behind != nil {
		if _, err := e.world.VPCEndpoint(behind.ID); err != nil {
			hangUp(w) // It is gone, and nothing answers there.
			return
		}
	}
	err := e.identify(ctx, asked)
	if err == nil && behind != nil && asked.service != "" && asked.service != "s3" {
		message := fmt.Sprintf("the endpoint %s leads to s3, and not to %s", behind.ID, asked.service)
		err = &Error{http.StatusNotImplemented, "NotImplemented", message}
	}
	if err == nil {
		switch asked.service {
		case "", "s3":
			err = e.watchS3(ctx, w, asked)
		case "sts":
			err = e.serveSTS(w, asked)
		case "lambda":
			err = e.serveLambda(ctx, w, asked)
		default:
			err = &Error{http.StatusNotImplemented, "NotImplemented", fmt.Sprintf("the lab has no %s; it has s3, sts and lambda", asked.service)}
		}
	}
	if err != nil {
		respond(w, asked, err)
	}
}

// hangUp ends the connection of a request without an answer.
func hangUp(w http.ResponseWriter) {
	if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = connection.Close() // Whoever is gone does not need it.
	}
}

// ask is one thing that a request needs a permission for.
type ask struct {
	action, arn string
	// version is that of the object, where one is named.
	version string
	// copied is whether it is about what the request copies, which is not asked for through an access point.
	copied bool
}

// authorize decides what a request needs, and refuses when any of it is not allowed.
func (e *Endpoint) authorize(ctx context.Context, r *request, asks []ask, conditions map[string]any) error {
	for _, need := range asks {
		if err := e.decide(ctx, r, need, conditions, e.observe); err != nil {
			return err
		}
	}
	return nil
}

// decide decides about one thing that a request needs, and refuses when it is not allowed: through an access point, by the policies about
// that first, and then by those about the bucket.
func (e *Endpoint) decide(ctx context.Context, r *request, need ask, conditions map[string]any, observe observer) error {
	conditions = maps.Clone(conditions)
	if need.version != "" {
		conditions["s3:VersionId"] = need.version
	}
	resources := []string{need.arn}
	if r.through(need) {
		resources = []string{r.point.Seen(need.arn), need.arn}
		maps.Copy(conditions, r.point.Conditions())
	}
	for _, arn := range resources {
		c, result, err := e.world.Authorize(ctx, r.key, need.action, arn, conditions)
		if err != nil {
			return &Error{http.StatusBadRequest, "InvalidRequest", err.Error()}
		}
		observe(r, c, result)
		if result.Decision != policy.Allowed {
			return denied(c, result)
		}
		if err := e.pass(ctx, r, c, observe); err != nil {
			return err
		}
	}
	return nil
}

// observer is told of a decision about a request.
type observer func(r *request, c policy.Case, result policy.Result)

// unobserved tells nobody.
func unobserved(*request, policy.Case, policy.Result) {}

// observe tells whoever observes the endpoint.
func (e *Endpoint) observe(r *request, c policy.Case, result policy.Result) {
	e.mutex.RLock()
	observer := e.observer
	e.mutex.RUnlock()
	observer(Access{
		Time: r.time, Principal: c.Request.Principal, Action: c.Request.Action, Resource: c.Request.Resource.ARN,
		Transport: transport(r.Request), Case: c, Result: result,
	})
}

func transport(r *http.Request) string {
	if r.TLS == nil {
		return "plain http"
	}
	return "TLS " + tlsVersion(r.TLS.Version)
}

// tlsVersion is a version as s3:TlsVersion has it.
func tlsVersion(version uint16) string {
	return map[uint16]string{tls.VersionTLS10: "1.0", tls.VersionTLS11: "1.1", tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"}[version]
}

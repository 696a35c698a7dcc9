// Package smoke tries a deployment from outside: what the function should be able to do with the bucket, and what nobody should. It knows
// the outputs of the stacks and the AWS SDK, and nothing of how either account came about, so that it says the same about AWS and about
// the lab.
package smoke

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Who tries something.
const (
	byFunction  = "function"
	byURL       = "function's URL"
	byOwner     = "account B"
	byAnonymous = "anonymous"
)

// Options are how to run.
type Options struct {
	// Wait is how long, in all, what ends in another way than expected is tried again: IAM and S3 take a while to act on a new policy.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
	Wait time.Duration
	// Record is told each row as soon as it is known.
	Record func(Row)
}

// run is one run, with what one attempt leaves for those behind it.
type run struct {
	Deployment
	Clients
	// folder is where all objects of the run are.
	folder string
	// touched are the keys that may have an object.
	touched []string

	// versions are those of the objects that were stored, by key.
	versions map[string]string
	// url is the URL that the function signed for the large object.
	url string
}

// attempt is one thing that is tried, with the outcome that it should have.
type attempt struct {
	what, who string
	want      Outcome
	// do tries it; its error is an untried where that is not possible.
	do func(context.Context) error
}

const (
	text = "Hello from account A"
	// What JSON writes with six characters for each byte: the smallest object whose answer does not fit a response of Lambda.
	largeByte, largeSize = "\x01", 1 << 20
)

// Run tries everything, tells each row to options.Record, and deletes what it stored, also where the context ends. It returns what it had
// to leave, a line each. The error is that nothing could be tried any more: the context has ended, or the function cannot be invoked.
func Run(ctx context.Context, deployment Deployment, clients Clients, options Options) (left []string, err error) {
	r := &run{
		Deployment: deployment, Clients: clients, versions: map[string]string{},
		folder: deployment.Prefix + "smoke/" + strings.ToLower(rand.Text()[:10]) + "/",
	}
	defer func() { left = r.cleanUp(ctx) }()
	deadline := time.Now().Add(options.Wait)
	for _, attempt := range r.attempts() {
		row, err := r.try(ctx, attempt, deadline)
		if err != nil {
			return nil, err
		}
		options.Record(row)
	}
	return nil, nil
}

// between is how long to wait before something is tried again.
const between = 2 * time.Second

// try tries one thing, until it ends as it should or the time is up.
func (r *run) try(ctx context.Context, attempt attempt, deadline time.Time) (Row, error) {
	for {
		err := attempt.do(ctx)
		var cannot *unable
		if ctx.Err() != nil {
			return Row{}, ctx.Err()
		} else if errors.As(err, &cannot) {
			return Row{}, err
		}
		row := Row{What: attempt.what, Who: attempt.who, Want: attempt.want}
		row.Got, row.Why = OutcomeOf(err)
		if !row.Differs() || time.Until(deadline) < between {
			return row, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(between):
		}
	}
}

// attempts is everything that is tried, in order: the guide's events first, then what must not work, and last what would take an object
// away if it did.
func (r *run) attempts() []attempt {
	return slices.Concat(r.events(), r.refusedByFunction(), r.overTheWeb(), r.notGranted())
}

// events are the function's operations on an object of its own.
func (r *run) events() []attempt {
	first, second := r.folder+"hello.txt", r.folder+"copy.txt"
	return append(r.storing("put", event{ObjectKey: first, Data: aws.String(text)}, text), []attempt{
		{"get", byFunction, r.ifGranted("read"), r.reading(func(ctx context.Context) error {
			got, err := r.invoke(ctx, event{Operation: "get", ObjectKey: first})
			if err == nil && got.Data != text {
				return wrong("the function did not read what was written")
			}
			return err
		})},
		{"head", byFunction, r.ifGranted("read"), r.reading(func(ctx context.Context) error {
			got, err := r.invoke(ctx, event{Operation: "head", ObjectKey: first})
			if err == nil && got.ContentLength != int64(len(text)) {
				return wrong("the object is not as long as what was written")
			}
			return err
		})},
		{"list", byFunction, r.ifGranted("list"), func(ctx context.Context) error {
			got, err := r.invoke(ctx, event{Operation: "list", Prefix: r.folder})
			if err == nil && r.hasObjects() && (len(got.Objects) != 1 || got.Objects[0].Key != first) {
				return wrong("the list does not have the object that was written, and no other")
			}
			return err
		}},
		{"copy", byFunction, r.ifGranted("read", "write"), func(ctx context.Context) error {
			if !r.hasObjects() {
				return untried(noObjects)
			}
			_, err := r.store(ctx, event{Operation: "copy", ObjectKey: second, SourceKey: first})
			return err
		}},
		{"delete", byFunction, r.ifGranted("delete"), func(ctx context.Context) error {
			_, err := r.invoke(ctx, event{Operation: "delete", ObjectKey: second})
			if err == nil {
				r.touched = slices.DeleteFunc(r.touched, func(key string) bool { return key == second })
			}
			return err
		}},
	}...)
}

// storing stores an object of the run with these contents: by an event of the function or, where that may not write, by account B.
func (r *run) storing(what string, put event, contents string) []attempt {
	stored := func(version string) {
		if version != "" {
			r.versions[put.ObjectKey] = version
		}
	}
	put.Operation = "put"
	attempts := []attempt{{what, byFunction, r.ifGranted("write"), func(ctx context.Context) error {
		answered, err := r.store(ctx, put)
		stored(answered.VersionID)
		return err
	}}}
	if !r.may("write") && r.hasObjects() {
		attempts = append(attempts, attempt{what, byOwner, Allowed, func(ctx context.Context) error {
			r.touch(put.ObjectKey)
			answered, err := r.Owner.PutObject(ctx, &s3.PutObjectInput{
				Bucket: &r.BucketName, Key: &put.ObjectKey, Body: strings.NewReader(contents),
			})
			if err == nil {
				stored(aws.ToString(answered.VersionId))
			}
			return err
		}})
	}
	return attempts
}

// refusedByFunction are events that the function refuses by itself, before it asks S3. Its policies would refuse them too, but only those
// who can act as its role can show that.
func (r *run) refusedByFunction() []attempt {
	outside := func(event event) func(context.Context) error {
		return func(ctx context.Context) error {
			if r.Prefix == "" {
				return untried("the function has the whole bucket: prefix is not set")
			}
			_, err := r.invoke(ctx, event)
			return err
		}
	}
	elsewhere := "not-" + r.folder // Which begins with no prefix that ends in a slash.
	return []attempt{
		{"get, a foreign bucket", byFunction, BucketNotAllowed, func(ctx context.Context) error {
			_, err := r.invoke(ctx, event{Operation: "get", BucketName: r.BucketName + "-foreign", ObjectKey: r.folder + "hello.txt"})
			return err
		}},
		{"get, outside the prefix", byFunction, KeyNotAllowed, outside(event{Operation: "get", ObjectKey: elsewhere + "hello.txt"})},
		{"list, outside the prefix", byFunction, KeyNotAllowed, outside(event{Operation: "list", Prefix: elsewhere})},
	}
}

// notGranted are actions that no setting grants: what was overwritten or deleted is account B's to restore. The function passes them on,
// so that the policies refuse them.
func (r *run) notGranted() []attempt {
	key := r.folder + "hello.txt"
	versioned := func(operation string) func(context.Context) error {
		return func(ctx context.Context) error {
			// Where nothing was stored, the version that an object without versions has: it needs the same permission.
			_, err := r.invoke(ctx, event{Operation: operation, ObjectKey: key, VersionID: cmp.Or(r.versions[key], "null")})
			return err
		}
	}
	return []attempt{
		{"get of a version", byFunction, AccessDenied, versioned("get")},
		{"delete of a version", byFunction, AccessDenied, versioned("delete")},
	}
}

// overTheWeb are requests to S3 itself: by a URL that the function signed for an object too large for its response, by nobody, and by the
// bucket's own account. A URL is first tried over plain http: if it still works over https behind that, it had not expired before.
func (r *run) overTheWeb() []attempt {
	small, large := r.folder+"hello.txt", r.folder+"large"
	wantLarge := r.ifGranted("read")
	if wantLarge == Allowed && r.Oversize == "refuse" {
		wantLarge = PayloadTooLarge
	}
	contents := strings.Repeat(largeByte, largeSize)
	put := event{ObjectKey: large, Encoding: "base64", Data: aws.String(base64.StdEncoding.EncodeToString([]byte(contents)))}
	return append(r.storing("put of 1 MiB", put, contents), []attempt{
		{"get of 1 MiB", byFunction, wantLarge, r.reading(func(ctx context.Context) error {
			got, err := r.invoke(ctx, event{Operation: "get", ObjectKey: large})
			r.url = got.URL
			if err == nil && !strings.HasPrefix(got.URL, "https:") {
				return wrong("there is no https URL in the answer, and the object does not fit it")
			}
			return err
		})},
		{"get over plain http", byURL, AccessDenied, r.byURL(plain)},
		{"get over https", byURL, Allowed, r.fromAnywhere(r.byURL(secure))},
		{"get over https", byAnonymous, AccessDenied, func(ctx context.Context) error {
			object, err := r.Anonymous.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.BucketName, Key: &small})
			if err == nil {
				_ = object.Body.Close() // What nobody should have got is not read.
			}
			return err
		}},
		{"get over plain http", byOwner, AccessDenied, r.asOwner(small, plain)},
		{"get over https", byOwner, Allowed, r.fromAnywhere(r.asOwner(small, secure))},
	}...)
}

// hasObjects says whether the run has objects to read: somebody has to store them.
func (r *run) hasObjects() bool { return r.may("write") || r.Owner != nil && !r.BoundToNetworks }

const noObjects = "there is no object, as the function may not write, and account B is not asked to: --profile-b"

// ifGranted is what is expected of something that needs all of these permissions.
func (r *run) ifGranted(permissions ...string) Outcome {
	if r.may(permissions...) {
		return Allowed
	}
	return AccessDenied
}

// reading is something that reads an object of the run, which without one shows nothing: a missing object may be refused as well.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (r *run) reading(do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if r.may("read") && !r.hasObjects() {
			return untried(noObjects)
		}
		return do(ctx)
	}
}

// fromAnywhere is something that is allowed from any network, but for those that the bucket policy keeps out.
func (r *run) fromAnywhere(do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if r.BoundToNetworks {
			return untried("the bucket is bound to networks, and this may be another: vpcEndpoints, sourceIps")
		}
		return do(ctx)
	}
}

// byURL gets the large object by the URL that the function signed.
func (r *run) byURL(scheme func(string) string) func(context.Context) error {
	return func(ctx context.Context) error {
		switch {
		case r.Oversize == "refuse":
			return untried("the function signs no URL: oversize is refuse")
		case r.url == "":
			return untried("the function gave no URL")
		}
		return r.fetch(ctx, scheme(r.url))
	}
}

// asOwner gets an object with credentials of the bucket's account.
func (r *run) asOwner(key string, scheme func(string) string) func(context.Context) error {
	return func(ctx context.Context) error {
		switch {
		case r.Owner == nil:
			return untried("no credentials of account B: --profile-b")
		case !r.hasObjects():
			return untried(noObjects)
		}
		signed, err := r.Owner.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &r.BucketName, Key: &key})
		if err != nil {
			return err
		}
		return r.fetch(ctx, scheme(signed.URL))
	}
}

// store has the function store an object of the run. Unless that is refused, there may be one.
func (r *run) store(ctx context.Context, event event) (answer, error) {
	stored, err := r.invoke(ctx, event)
	if got, _ := OutcomeOf(err); got != AccessDenied {
		r.touch(event.ObjectKey)
	}
	return stored, err
}

// touch notes that there may be an object, which is to be deleted.
func (r *run) touch(key string) {
	if !slices.Contains(r.touched, key) {
		r.touched = append(r.touched, key)
	}
}

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cross-account-s3/lab/endpoint"
	"cross-account-s3/policy"
)

// demoPrefix is the folder that the demo keeps the function to, so that there is something outside of it.
const demoPrefix = "shared/"

// Demo does the whole job once: it previews and deploys both accounts, lets the function and others use the bucket, shows each access
// with what decided it, and destroys everything. It returns an error when a step fails or an access ends in another way than it
// should.
func Demo(ctx context.Context, project string, out io.Writer) (err error) {
	d := &demo{out: out, printer: &printer{out: out}}
	fmt.Fprint(out, "A Lambda function of one account uses a bucket of another, in two simulated accounts.\n\n")

	if err := d.step("starting two accounts", func() error {
		d.lab, err = Start(ctx, Options{Project: project, Progress: d.printer, Settings: map[string]map[string]string{
			ComputeStack: {"prefix": demoPrefix}, DataStack: {"prefix": demoPrefix},
		}})
		return err
	}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.lab.Close()) }()
	d.lab.Endpoint().Observe(d.record)

	for _, step := range []struct {
		title string
		run   func(context.Context) error
	}{
		{"pulumi stack init, both stacks", d.lab.InitStacks},
		{"pulumi preview of account-a", d.preview(ComputeStack)},
		{"pulumi up of account-a", d.up(ComputeStack)},
		{"pulumi preview of account-b", d.preview(DataStack)},
		{"pulumi up of account-b", d.up(DataStack)},
		{"accesses", d.accesses},
		{"pulumi destroy of account-b", d.destroy(DataStack)},
		{"pulumi destroy of account-a", d.destroy(ComputeStack)},
		{"looking for anything left", d.leftovers},
	} {
		if err := d.step(step.title, func() error { return step.run(ctx) }); err != nil {
			return err
		}
	}
	return d.report()
}

type demo struct {
	out     io.Writer
	printer *printer
	lab     *Lab
	rows    []row

	mutex   sync.Mutex
	decided []endpoint.Access // since the last row
}

// row is one line of the demo's table.
type row struct {
	what, who string
	want, got policy.Decision
	by        string
	err       error // what went wrong besides
}

// step runs one long step and shows that it runs and how long it took.
func (d *demo) step(title string, run func() error) error {
	begin := time.Now()
	d.printer.begin(title)
	err := run()
	d.printer.end(fmt.Sprintf("%.1f s", time.Since(begin).Seconds()))
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	return nil
}

func (d *demo) preview(stack string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := d.lab.Pulumi(ctx, "preview", "--stack", stack, "--non-interactive", "--color", "never")
		return err
	}
}

func (d *demo) up(stack string) func(context.Context) error {
	return func(ctx context.Context) error { return d.lab.Up(ctx, stack) }
}

func (d *demo) destroy(stack string) func(context.Context) error {
	return func(ctx context.Context) error { return d.lab.Destroy(ctx, stack) }
}

func (d *demo) leftovers(context.Context) error {
	if left := d.lab.World().Inventory(); len(left) != len(d.lab.principals) {
		return fmt.Errorf("destroying both stacks left %s", strings.Join(slices.DeleteFunc(left, func(arn string) bool {
			return slices.Contains(d.lab.principals, arn)
		}), ", "))
	}
	return nil
}

// record keeps what the accounts decide about the bucket.
func (d *demo) record(access endpoint.Access) {
	if !strings.HasPrefix(access.Action, "s3:") {
		return
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.decided = append(d.decided, access)
}

func (d *demo) takeDecided() []endpoint.Access {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	decided := d.decided
	d.decided = nil
	return decided
}

// access adds a row: what happens, and whether it ended as it should. A request that fails for another reason than being refused, or
// is refused without a decision, or the other way round, is as wrong as a decision that is not the one expected.
func (d *demo) access(ctx context.Context, what, who string, want policy.Decision, request func(context.Context) error) {
	d.takeDecided()
	err := request(ctx)
	result := row{what: what, who: who, want: want}
	for _, access := range d.takeDecided() {
		result.got, result.by = access.Result.Decision, decidedBy(access)
		if result.got != policy.Allowed {
			break
		}
	}
	switch refused := isRefused(err); {
	case result.got == "":
		result.err = errors.Join(errors.New("nothing was decided"), err)
	case result.got == policy.Allowed:
		result.err = err
	case !refused:
		result.err = errors.Join(errors.New("was decided but not refused"), err)
	}
	d.rows = append(d.rows, result)
}

// isRefused says whether the answer is that of somebody who may not, by the function or by S3 itself.
func isRefused(err error) bool {
	var function *FunctionError
	var response *awshttp.ResponseError
	switch {
	case errors.As(err, &function):
		return function.Type == "AccessDenied"
	case errors.As(err, &response):
		return response.HTTPStatusCode() == http.StatusForbidden
	}
	return false
}

// decidedBy names the statements that decided, or the halves that are missing.
func decidedBy(access endpoint.Access) string {
	var parts []string
	for _, reason := range access.Result.Reasons {
		half, isHalf := map[string]string{"identity": "role", "resource": "bucket"}[reason.Layer]
		if !isHalf {
			half = reason.Layer
		}
		statement := ""
		if s := reason.Statement; s != nil {
			statement = s.Sid
			if statement == "" {
				statement = fmt.Sprintf("statement %d", s.Index)
			}
			if reason.Layer == "identity" {
				statement = s.Policy + "/" + statement
			}
		}
		switch access.Result.Decision {
		case policy.Allowed:
			if reason.Outcome == "allowed" {
				parts = append(parts, half+": "+statement)
			}
		case policy.ExplicitlyDenied:
			if reason.Outcome == "denied" {
				parts = append(parts, half+": Deny "+statement)
			}
		default:
			switch {
			case reason.Outcome == "absent" && isHalf: // A limit that is not there denies nothing.
				parts = append(parts, half+": no policy")
			case reason.Outcome == "silent" && reason.Nearest != nil:
				parts = append(parts, half+": no statement allows this "+differs(reason.Nearest))
			case reason.Outcome == "silent":
				parts = append(parts, half+": no statement allows it")
			}
		}
	}
	return strings.Join(parts, "; ")
}

func differs(miss *policy.Miss) string {
	if miss.Part == "condition" {
		return "with this " + miss.Key
	}
	return miss.Part
}

// accesses uses the bucket in every way that should work and in each that should not.
func (d *demo) accesses(ctx context.Context) error {
	l := d.lab
	if err := d.byFunction(ctx); err != nil {
		return err
	}
	if err := d.byOthers(ctx); err != nil {
		return err
	}

	// One half alone is never enough. What is taken away here, somebody could take away in the console.
	get := func(ctx context.Context) error {
		_, err := l.Invoke(ctx, map[string]any{"operation": "get", "bucketName": l.Settings.BucketName, "objectKey": demoPrefix + "hello.txt"})
		return err
	}
	bucketPolicy, err := l.World().BucketPolicy(l.Settings.BucketName)
	if err != nil {
		return err
	}
	if err := l.World().DeleteBucketPolicy(l.Settings.BucketName); err != nil {
		return err
	}
	d.access(ctx, "get", "function, without the bucket policy", policy.ImplicitlyDenied, get)
	if err := l.World().PutBucketPolicy(l.Settings.BucketName, bucketPolicy); err != nil {
		return err
	}

	role, err := l.World().Role(l.RoleARN())
	if err != nil {
		return err
	}
	const identityPolicy = "bucket-access"
	if err := l.World().DeleteRolePolicy(role.ARN, identityPolicy); err != nil {
		return err
	}
	d.access(ctx, "get", "function, without the role's policy", policy.ImplicitlyDenied, get)
	if err := l.World().PutRolePolicy(role.ARN, identityPolicy, role.Policies[identityPolicy]); err != nil {
		return err
	}
	d.access(ctx, "get", "function, with both again", policy.Allowed, get)
	return nil
}

// byFunction are the events of the deployed function.
func (d *demo) byFunction(ctx context.Context) error {
	const text = "Hello from account A"
	for _, event := range []map[string]any{
		{"operation": "put", "objectKey": demoPrefix + "hello.txt", "data": text},
		{"operation": "get", "objectKey": demoPrefix + "hello.txt"},
		{"operation": "head", "objectKey": demoPrefix + "hello.txt"},
		{"operation": "list"},
		{"operation": "copy", "objectKey": demoPrefix + "copy.txt", "sourceKey": demoPrefix + "hello.txt"},
		{"operation": "delete", "objectKey": demoPrefix + "copy.txt"},
	} {
		event["bucketName"] = d.lab.Settings.BucketName
		operation, _ := event["operation"].(string)
		d.access(ctx, operation, "function", policy.Allowed, func(ctx context.Context) error {
			answer, err := d.lab.Invoke(ctx, event)
			if err == nil && operation == "get" && !strings.Contains(string(answer), text) {
				err = errors.New("the function did not read what it wrote")
			}
			return err
		})
	}
	return ctx.Err()
}

// byOthers are requests that nobody should get through with.
func (d *demo) byOthers(ctx context.Context) error {
	l := d.lab
	bucket := aws.String(l.Settings.BucketName)
	get := func(client *s3.Client, key string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key)})
			return err
		}
	}
	clients := map[string]*s3.Client{}
	for _, name := range []string{FunctionProfile, OtherProfile, StrangerProfile} {
		profile, err := l.Profile(name)
		if err != nil {
			return err
		}
		clients[name] = l.S3(&profile.Key)
	}
	function, err := l.Profile(FunctionProfile)
	if err != nil {
		return err
	}
	const inside = demoPrefix + "hello.txt"
	d.access(ctx, "get", "function's role, over plain http", policy.ExplicitlyDenied, get(l.PlainS3(&function.Key), inside))
	d.access(ctx, "get", "another role of account A", policy.ImplicitlyDenied, get(clients[OtherProfile], inside))
	d.access(ctx, "get", "a role of a third account", policy.ImplicitlyDenied, get(clients[StrangerProfile], inside))
	d.access(ctx, "get", "anonymous", policy.ImplicitlyDenied, get(l.S3(nil), inside))
	d.access(ctx, "get", "function's role, outside the prefix", policy.ImplicitlyDenied, get(clients[FunctionProfile], "private/salaries.csv"))
	d.access(ctx, "list", "function's role, outside the prefix", policy.ImplicitlyDenied, func(ctx context.Context) error {
		_, err := clients[FunctionProfile].ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("private/")})
		return err
	})
	d.access(ctx, "get tags", "function's role, an action not granted", policy.ImplicitlyDenied, func(ctx context.Context) error {
		_, err := clients[FunctionProfile].GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: aws.String(inside)})
		return err
	})
	return ctx.Err()
}

// report prints the table and says whether everything went as it should.
func (d *demo) report() error {
	decisions := map[policy.Decision]string{
		policy.Allowed: "allowed", policy.ExplicitlyDenied: "denied (explicit)", policy.ImplicitlyDenied: "denied (implicit)",
		policy.Undetermined: "undetermined", "": "no decision",
	}
	widths := [3]int{}
	for _, r := range d.rows {
		widths[0], widths[1], widths[2] = max(widths[0], len(r.what)), max(widths[1], len(r.who)), max(widths[2], len(decisions[r.got]))
	}
	wrong := 0
	fmt.Fprintf(d.out, "\nWho tried what with s3://%s, and what decided it:\n\n", d.lab.Settings.BucketName)
	for _, r := range d.rows {
		mark := "ok"
		if r.got != r.want || r.err != nil {
			mark = "!!"
			wrong++
		}
		fmt.Fprintf(d.out, "  %s  %-*s  %-*s  %-*s  %s\n", mark, widths[0], r.what, widths[1], r.who, widths[2], decisions[r.got], r.by)
		if r.got != r.want {
			fmt.Fprintf(d.out, "      expected: %s\n", decisions[r.want])
		}
		if r.err != nil {
			fmt.Fprintf(d.out, "      %v\n", r.err)
		}
	}
	fmt.Fprintf(d.out, `
%d of %d accesses as expected.
Real: the Pulumi engine and CLI (%s), the program, the function's deployed binary, request signatures, TLS.
Simulated: the AWS provider, IAM (by the evaluator of policy/), S3 (gofakes3), Lambda's service around the binary.
`, len(d.rows)-wrong, len(d.rows), d.lab.CLI.Version)
	if wrong > 0 {
		return fmt.Errorf("%d of %d accesses did not end as they should", wrong, len(d.rows))
	}
	return nil
}

// printer shows a step with how long it took on one line, and what is said meanwhile on lines of its own.
type printer struct {
	out   io.Writer
	title string
	open  bool // the line of the title has not ended
}

const titleWidth = 36

func (p *printer) begin(title string) {
	p.title, p.open = title, true
	fmt.Fprintf(p.out, "  %-*s", titleWidth, title)
}

// Write takes whole lines.
func (p *printer) Write(text []byte) (int, error) {
	if p.open {
		fmt.Fprintln(p.out)
		p.open = false
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Fprint(p.out, "    ", line); err != nil {
			return 0, fmt.Errorf("showing progress: %w", err)
		}
	}
	return len(text), nil
}

func (p *printer) end(result string) {
	if !p.open {
		fmt.Fprintf(p.out, "  %-*s", titleWidth, p.title)
	}
	fmt.Fprintf(p.out, "%8s\n", result)
	p.open = false
}

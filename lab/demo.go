package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cross-account-s3/lab/endpoint"
	"cross-account-s3/policy"
	"cross-account-s3/smoke"
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
	rows    []smoke.Row

	mutex   sync.Mutex
	decided []endpoint.Access // since the last row
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

// add adds a row, with what decided it. An access that is answered otherwise than it was decided, or allowed without a decision, is as
// wrong as a decision that is not the one expected.
func (d *demo) add(row smoke.Row) {
	var decision policy.Decision
	by := "the function itself"
	for _, access := range d.takeDecided() {
		decision, by = access.Result.Decision, decidedBy(access)
		if decision != policy.Allowed {
			break
		}
	}
	switch {
	case row.Got == smoke.Allowed && decision == policy.Allowed,
		row.Got == smoke.AccessDenied && decision != policy.Allowed && decision != "",
		row.Differs(),
		decision == "" && (row.Got == smoke.BucketNotAllowed || row.Got == smoke.KeyNotAllowed):
	default:
		row.Got, row.Why = smoke.WrongAnswer, fmt.Sprintf("answered with %s, and decided: %q", row.Got, decision)
	}
	if row.Why = by + "; " + row.Why; !row.Differs() {
		row.Why = by
	}
	d.rows = append(d.rows, row)
}

// access tries what only the lab can show.
func (d *demo) access(ctx context.Context, what, who string, want smoke.Outcome, request func(context.Context) error) {
	d.takeDecided()
	row := smoke.Row{What: what, Who: who, Want: want}
	row.Got, row.Why = smoke.OutcomeOf(request(ctx))
	d.add(row)
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
	if err := d.smoke(ctx); err != nil {
		return err
	}
	// What only the lab can show is about an object that stays.
	const key = demoPrefix + "hello.txt"
	put := map[string]any{"operation": "put", "bucketName": d.lab.Settings.BucketName, "objectKey": key, "data": "Hello"}
	if _, err := d.lab.Invoke(ctx, put); err != nil {
		return err
	}
	if err := d.byOthers(ctx, key); err != nil {
		return err
	}
	return d.byHalves(ctx, key)
}

// smoke tries what can be tried from outside, as cmd/smoke does on AWS.
func (d *demo) smoke(ctx context.Context) error {
	l := d.lab
	var outputs [2]smoke.Outputs
	for i, stack := range []string{ComputeStack, DataStack} {
		text, err := l.Pulumi(ctx, "stack", "output", "--json", "--stack", stack)
		if err != nil {
			return err
		}
		outputs[i] = smoke.Outputs{Stack: stack, JSON: []byte(text)}
	}
	deployment, err := smoke.ReadDeployment(outputs[0], outputs[1])
	if err != nil {
		return err
	}
	compute, err := l.Profile(ComputeProfile)
	if err != nil {
		return err
	}
	data, err := l.Profile(DataProfile)
	if err != nil {
		return err
	}
	left, err := smoke.Run(ctx, deployment, smoke.Clients{
		Function: l.Lambda(&compute.Key), Anonymous: l.S3(nil), Owner: smoke.NewOwner(l.S3(&data.Key)), Web: l.http,
	}, smoke.Options{Record: d.add})
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("left behind: %s", strings.Join(left, "; "))
	}
	return err
}

// byOthers are requests with credentials that nobody has outside of the lab: of other roles, and of the function's own.
func (d *demo) byOthers(ctx context.Context, key string) error {
	bucket := aws.String(d.lab.Settings.BucketName)
	clients := map[string]*s3.Client{}
	for _, name := range []string{FunctionProfile, OtherProfile, StrangerProfile} {
		profile, err := d.lab.Profile(name)
		if err != nil {
			return err
		}
		clients[name] = d.lab.S3(&profile.Key)
	}
	get := func(profile, key string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := clients[profile].GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &key})
			return err
		}
	}
	const role = "function's role"
	d.access(ctx, "get", "another role of account A", smoke.AccessDenied, get(OtherProfile, key))
	d.access(ctx, "get", "a role of a third account", smoke.AccessDenied, get(StrangerProfile, key))
	d.access(ctx, "get, outside the prefix", role, smoke.AccessDenied, get(FunctionProfile, "private/salaries.csv"))
	d.access(ctx, "list, outside the prefix", role, smoke.AccessDenied, func(ctx context.Context) error {
		_, err := clients[FunctionProfile].ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("private/")})
		return err
	})
	d.access(ctx, "get of tags", role, smoke.AccessDenied, func(ctx context.Context) error {
		_, err := clients[FunctionProfile].GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: &key})
		return err
	})
	return ctx.Err()
}

// byHalves shows that one half alone is never enough. What is taken away here, somebody could take away in the console.
func (d *demo) byHalves(ctx context.Context, key string) error {
	l := d.lab
	get := func(ctx context.Context) error {
		_, err := l.Invoke(ctx, map[string]any{"operation": "get", "bucketName": l.Settings.BucketName, "objectKey": key})
		return err
	}
	bucketPolicy, err := l.World().BucketPolicy(l.Settings.BucketName)
	if err != nil {
		return err
	}
	if err := l.World().DeleteBucketPolicy(l.Settings.BucketName); err != nil {
		return err
	}
	d.access(ctx, "get", "function, without the bucket policy", smoke.AccessDenied, get)
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
	d.access(ctx, "get", "function, without the role's policy", smoke.AccessDenied, get)
	if err := l.World().PutRolePolicy(role.ARN, identityPolicy, role.Policies[identityPolicy]); err != nil {
		return err
	}
	d.access(ctx, "get", "function, with both again", smoke.Allowed, get)
	return nil
}

// report prints the table and says whether everything went as it should.
func (d *demo) report() error {
	fmt.Fprintf(d.out, "\nWho tried what with s3://%s, and what decided it:\n\n", d.lab.Settings.BucketName)
	smoke.Table(d.out, d.rows)
	fmt.Fprintf(d.out, `Real: the Pulumi engine and CLI (%s), the program, the function's deployed binary, request signatures, TLS.
Simulated: the AWS provider, IAM (by the evaluator of policy/), S3 (gofakes3), Lambda's service around the binary.
`, d.lab.CLI.Version)
	if differing := smoke.Differing(d.rows); differing > 0 {
		return fmt.Errorf("%d of %d accesses did not end as they should", differing, len(d.rows))
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

package smoke

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

var deployed = Deployment{
	FunctionARN: "arn:aws:lambda:us-east-1:123456789012:function:F", Permissions: []string{"read", "write", "delete", "list"}, Prefix: "p/",
	Oversize: "presign", BucketName: "b-b", Region: "us-east-1", DataAccountID: "987654321098",
}

// accounts are a function, its bucket and who may do what there.
type accounts struct {
	permissions []string // of the function
	// open are what is let in besides: plain http, anonymous, versions, foreign, outside.
	open string
	// versioned are the objects that there ever were, objects those that there are.
	versioned, objects map[string]string
	// before is called before each event of the function.
	before func(event) error
}

func newAccounts() *accounts {
	return &accounts{
		permissions: deployed.Permissions, versioned: map[string]string{}, objects: map[string]string{}, before: func(event) error { return nil },
	}
}

func (a *accounts) clients() Clients { return Clients{a, nobody{a}, ownerOf{a}, a} }

var errDenied = &refusal{"AccessDenied", "denied"}

// Invoke is the function.
func (a *accounts) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	var asked event
	if err := json.Unmarshal(in.Payload, &asked); err != nil {
		return nil, err
	}
	if err := errors.Join(a.before(asked), ctx.Err()); err != nil {
		return nil, err
	}
	answered, err := a.answer(asked)
	var failure *refusal
	if errors.As(err, &failure) {
		payload, err := json.Marshal(map[string]string{"errorType": failure.code, "errorMessage": failure.message})
		return &lambda.InvokeOutput{FunctionError: aws.String("Unhandled"), Payload: payload}, err
	}
	payload, err := json.Marshal(answered)
	return &lambda.InvokeOutput{Payload: payload}, err
}

func (a *accounts) answer(asked event) (map[string]any, error) {
	key := asked.ObjectKey + asked.Prefix
	switch {
	case asked.BucketName != deployed.BucketName && a.open != "foreign":
		return nil, &refusal{"BucketNotAllowed", "not mine"}
	case !strings.HasPrefix(key, deployed.Prefix) && a.open != "outside":
		return nil, &refusal{"KeyNotAllowed", "not mine"}
	case asked.VersionID != "" && a.open != "versions":
		return nil, errDenied
	}
	for _, permission := range map[string][]string{
		"put": {"write"}, "get": {"read"}, "head": {"read"}, "list": {"list"}, "copy": {"read", "write"}, "delete": {"delete"},
	}[asked.Operation] {
		if !slices.Contains(a.permissions, permission) {
			return nil, errDenied
		}
	}
	data := a.objects[key]
	switch asked.Operation {
	case "put":
		data = *asked.Data
		if asked.Encoding == "base64" {
			decoded, err := base64.StdEncoding.DecodeString(data)
			if err != nil {
				return nil, err
			}
			data = string(decoded)
		}
		a.objects[key], a.versioned[key] = data, data
		return map[string]any{"versionId": "v"}, nil
	case "copy":
		a.objects[key], a.versioned[key] = a.objects[asked.SourceKey], a.objects[asked.SourceKey]
		return map[string]any{"versionId": "v"}, nil
	case "delete":
		delete(a.objects, key)
	case "list":
		var objects []map[string]any
		for name := range a.objects {
			objects = append(objects, map[string]any{"key": name})
		}
		return map[string]any{"objects": objects}, nil
	case "get":
		if len(data) == largeSize { // TestSmoke of package lab tells whether it is too large for the real function.
			return map[string]any{"url": "https://s3/" + key + "?Signature=secret"}, nil
		}
		return map[string]any{"data": data, "contentLength": len(data)}, nil
	}
	return map[string]any{"contentLength": len(data)}, nil
}

// Do is S3 for whoever has a URL.
func (a *accounts) Do(request *http.Request) (*http.Response, error) {
	switch {
	case a.open == "no network":
		return nil, &url.Error{Op: "Get", URL: request.URL.String(), Err: errors.New("connection refused")}
	case a.open == "a proxy":
		return &http.Response{StatusCode: http.StatusBadGateway, Status: "502 Bad Gateway", Body: io.NopCloser(strings.NewReader("<html>"))}, nil
	case request.URL.Scheme == "https" || a.open == "plain http":
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("data"))}, nil
	}
	body := "<Error><Code>AccessDenied</Code><Message>an explicit deny\nin a resource-based policy</Message></Error>"
	return &http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader(body))}, nil
}

type nobody struct{ *accounts }

func (a nobody) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if a.open == "anonymous" {
		return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader("data"))}, nil
	}
	return nil, &smithy.GenericAPIError{Code: "AccessDenied", Message: "Access Denied"}
}

// ownerOf is somebody of the bucket's account.
type ownerOf struct{ *accounts }

func (a ownerOf) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	data, err := io.ReadAll(in.Body)
	a.objects[*in.Key], a.versioned[*in.Key] = string(data), string(data)
	return &s3.PutObjectOutput{VersionId: aws.String("v")}, err
}

func (a ownerOf) PresignGetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.PresignOptions)) (*v4.PresignedHTTPRequest, error) {
	return &v4.PresignedHTTPRequest{URL: "https://s3/" + *in.Key + "?Signature=secret"}, nil
}

func (a ownerOf) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	list := &s3.ListObjectVersionsOutput{}
	for key := range a.versioned {
		if strings.HasPrefix(key, *in.Prefix) {
			list.Versions = append(list.Versions, types.ObjectVersion{Key: aws.String(key), VersionId: aws.String("v")})
		}
	}
	return list, ctx.Err()
}

func (a ownerOf) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	if a.open == "locked" {
		return nil, &smithy.GenericAPIError{Code: "AccessDenied", Message: "the object is locked"}
	}
	delete(a.versioned, *in.Key)
	delete(a.objects, *in.Key)
	return &s3.DeleteObjectOutput{}, nil
}

// tried runs everything and returns the outcome of each row that is not as expected, by what and who.
func tried(t *testing.T, deployment Deployment, clients Clients) (rows []Row, other map[string]Outcome, left []string) {
	t.Helper()
	other = map[string]Outcome{}
	left, err := Run(t.Context(), deployment, clients, Options{Record: func(row Row) {
		rows = append(rows, row)
		if row.Got != row.Want {
			other[row.What+" by "+row.Who] = row.Got
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return rows, other, left
}

func TestEachHoleIsFound(t *testing.T) {
	for open, want := range map[string]map[string]Outcome{
		"":           {},
		"plain http": {"get over plain http by function's URL": Allowed, "get over plain http by account B": Allowed},
		"anonymous":  {"get over https by anonymous": Allowed},
		"versions":   {"get of a version by function": Allowed, "delete of a version by function": Allowed},
		"foreign":    {"get, a foreign bucket by function": Allowed},
		"outside":    {"get, outside the prefix by function": Allowed, "list, outside the prefix by function": Allowed},
		// What is neither allowed nor refused is never as expected.
		"no network": {
			"get over plain http by function's URL": NoAnswer, "get over https by function's URL": NoAnswer,
			"get over plain http by account B": NoAnswer, "get over https by account B": NoAnswer,
		},
		"a proxy": {
			"get over plain http by function's URL": NoAnswer, "get over https by function's URL": NoAnswer,
			"get over plain http by account B": NoAnswer, "get over https by account B": NoAnswer,
		},
	} {
		t.Run(open, func(t *testing.T) {
			a := newAccounts()
			a.open = open
			rows, other, left := tried(t, deployed, a.clients())
			if !maps.Equal(other, want) || Differing(rows) != len(want) || len(rows) != 18 {
				t.Errorf("%d rows, not as expected: %v", len(rows), other)
			}
			if len(left)+len(a.objects)+len(a.versioned) > 0 {
				t.Errorf("left %q: %q, %q", left, a.objects, a.versioned)
			}
			var table bytes.Buffer
			Table(&table, rows)
			if marks := strings.Count(table.String(), "\n  !!"); marks != len(want) || strings.Contains(table.String(), "secret") || strings.Contains(table.String(), text) {
				t.Errorf("%d marks of %d, or too much told:\n%s", marks, len(want), table.String())
			}
		})
	}
}

// What the function may not do has to be refused, for each set of permissions; and what it may has to work.
func TestPermissions(t *testing.T) {
	all := []string{"read", "write", "delete", "list"}
	for set := range 1 << len(all) {
		var permissions []string
		for i, permission := range all {
			if set>>i&1 == 1 {
				permissions = append(permissions, permission)
			}
		}
		deployment := deployed
		deployment.Permissions = permissions
		for _, withOwner := range []bool{true, false} {
			a := newAccounts()
			a.permissions = permissions
			clients := a.clients()
			if !withOwner {
				clients.Owner = nil
			}
			rows, other, left := tried(t, deployment, clients)
			if Differing(rows) > 0 {
				t.Errorf("%q: %v", permissions, other)
			}
			if withOwner && len(a.versioned) > 0 || deployment.may("delete") && len(a.objects) > 0 {
				t.Errorf("%q: left %q, %q", permissions, a.objects, a.versioned)
			}
			// What stays is told: the objects where the function may not delete, and else their versions.
			if told := len(left) > 0; told != (len(a.versioned) > 0) {
				t.Errorf("%q: told %q of %q", permissions, left, a.versioned)
			}
		}
		// The function has a permission more, or one less, than its stack says.
		for _, permission := range all {
			a := newAccounts()
			a.permissions = slices.DeleteFunc(slices.Clone(permissions), func(p string) bool { return p == permission })
			if len(a.permissions) == len(permissions) {
				a.permissions = append(a.permissions, permission)
			}
			if rows, _, _ := tried(t, deployment, a.clients()); Differing(rows) == 0 {
				t.Errorf("told %q, has %q, and nothing differs", permissions, a.permissions)
			}
		}
	}
}

func TestNotTried(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Deployment, *Clients)
		want   map[string]string // by what and who, what has to be said
	}{
		"no account B": {func(_ *Deployment, clients *Clients) { clients.Owner = nil }, map[string]string{
			"get over plain http by account B": "--profile-b", "get over https by account B": "--profile-b",
		}},
		"no prefix": {func(deployment *Deployment, _ *Clients) { deployment.Prefix = "" }, map[string]string{
			"get, outside the prefix by function": "prefix is not set", "list, outside the prefix by function": "prefix is not set",
		}},
		"networks": {func(deployment *Deployment, _ *Clients) { deployment.BoundToNetworks = true }, map[string]string{
			"get over https by function's URL": "sourceIps", "get over https by account B": "sourceIps",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccounts()
			a.open = "outside" // Without a prefix nothing is.
			if name != "no prefix" {
				a.open = ""
			}
			deployment, clients := deployed, a.clients()
			c.change(&deployment, &clients)
			rows, other, _ := tried(t, deployment, clients)
			for _, row := range rows {
				if want, has := c.want[row.What+" by "+row.Who]; has && (row.Got != NotTried || !strings.Contains(row.Why, want)) {
					t.Errorf("%+v, want %q", row, want)
				}
			}
			if len(other) != len(c.want) || Differing(rows) > 0 {
				t.Errorf("not as expected: %v", other)
			}
			var table bytes.Buffer
			if Table(&table, rows); !strings.Contains(table.String(), "16 of 16 as expected, and 2 not tried.") || strings.Count(table.String(), "\n  --") != 2 {
				t.Error(table.String())
			}
		})
	}
}

// Where the function signs nothing, plain http is not tried with its signature, and the refusal is what is expected.
func TestOversizeRefused(t *testing.T) {
	deployment := deployed
	deployment.Oversize = "refuse"
	_, other, _ := tried(t, deployment, newAccounts().clients())
	if want := map[string]Outcome{
		"get of 1 MiB by function": Allowed, "get over plain http by function's URL": NotTried, "get over https by function's URL": NotTried,
	}; !maps.Equal(other, want) {
		t.Errorf("a function that signs all the same: %v", other)
	}
}

// A run that cannot go on deletes what it has stored.
func TestCleanUp(t *testing.T) {
	run := func(a *accounts, clients Clients) (left []string, rows int, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		begun := a.before
		a.before = func(asked event) error {
			if err := begun(asked); err != nil {
				return err
			}
			if asked.Operation == "list" {
				cancel()
			}
			return nil
		}
		left, err = Run(ctx, deployed, clients, Options{Record: func(Row) { rows++ }})
		return left, rows, err
	}

	a := newAccounts()
	if left, rows, err := run(a, a.clients()); !errors.Is(err, context.Canceled) || rows != 3 || len(left)+len(a.versioned) > 0 {
		t.Errorf("interrupted: %d rows, %v, left %q: %q", rows, err, left, a.versioned)
	}
	a = newAccounts()
	a.open = "locked"
	if left, _, _ := run(a, a.clients()); len(left) != 1 || !strings.Contains(left[0], "the object is locked") {
		t.Errorf("locked: left %q", left)
	}
	a = newAccounts()
	a.before = func(asked event) error {
		if asked.Operation != "put" {
			return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not any more"}
		}
		return nil
	}
	clients := a.clients()
	clients.Owner = nil
	left, rows, err := run(a, clients)
	if err == nil || !strings.Contains(err.Error(), "they need lambda:InvokeFunction on "+deployed.FunctionARN) || rows != 1 {
		t.Errorf("a function that may not be invoked: %d rows, %v", rows, err)
	}
	if len(left) != 2 || !strings.Contains(left[0], "hello.txt: the function could not delete it") || !strings.Contains(left[1], "versions and delete markers") {
		t.Errorf("and not to clean up either: left %q", left)
	}
}

func TestReadDeployment(t *testing.T) {
	const a = `{"functionArn":"arn:aws:lambda:us-east-1:123456789012:function:F","permissions":["read"],"prefix":"","oversize":"presign","more":1}`
	const b = `{"bucketName":"b-b","accountId":"987654321098","region":"eu-west-1","boundToNetworks":false}`
	got, err := ReadDeployment(Outputs{"a", []byte(a)}, Outputs{"b", []byte(b)})
	if err != nil || got.Region != "eu-west-1" || got.function() != struct{ name, region, account string }{"F", "us-east-1", "123456789012"} {
		t.Errorf("%+v, %v", got, err)
	}
	for name, c := range map[string]struct{ a, b, want string }{
		"never deployed":     {`{}`, b, "stack a has no output functionArn, oversize, permissions, prefix: it is not deployed, or by an older program; run pulumi up --stack a first"},
		"B never deployed":   {a, `{}`, "pulumi up --stack b"},
		"the other way":      {b, a, "stack a has no output functionArn"},
		"no JSON":            {"Current stack is a", b, "the outputs of stack a are not what `pulumi stack output --json` writes"},
		"not an ARN":         {strings.Replace(a, "arn:", "", 1), b, "and not an ARN"},
		"a secret in a text": {strings.Replace(a, `["read"]`, `"[secret]"`, 1), b, "the outputs of stack a are not"},
	} {
		if _, err := ReadDeployment(Outputs{"a", []byte(c.a)}, Outputs{"b", []byte(c.b)}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

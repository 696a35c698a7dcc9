package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"cross-account-s3/policy"
)

// Function is a Lambda function.
type Function struct {
	Account string
	Region  string
	Name    string
	// Role is the ARN of the execution role.
	Role         string
	Description  string
	Runtime      string
	Handler      string
	Architecture string
	// MemorySize is in MiB.
	MemorySize int
	Timeout    time.Duration
	// ReservedConcurrency is nil where the function has no limit of its own.
	ReservedConcurrency *int
	Tracing             string
	LogFormat           string
	LogGroup            string
	Environment         map[string]string
	// Subnets and SecurityGroups are the ids of those of its network interfaces; empty in no VPC.
	Subnets        []string
	SecurityGroups []string
	Tags           map[string]string
	// Code is the deployment package, a zip.
	Code     []byte
	Modified time.Time
}

// ARN is the function's ARN.
func (f *Function) ARN() string {
	return "arn:aws:lambda:" + f.Region + ":" + f.Account + ":function:" + f.Name
}

// CodeSHA256 is the hash of the deployment package, in base64 as Lambda shows it.
func (f *Function) CodeSHA256() string {
	sum := sha256.Sum256(f.Code)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (f *Function) copy() Function {
	result := *f
	result.Environment, result.Tags = maps.Clone(f.Environment), maps.Clone(f.Tags)
	result.Subnets, result.SecurityGroups = slices.Clone(f.Subnets), slices.Clone(f.SecurityGroups)
	return result
}

// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
var functionName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

// CreateFunction makes a function. Its role has to exist and to trust Lambda.
func (w *World) CreateFunction(ctx context.Context, function Function) (Function, error) {
	if err := w.checkFunction(ctx, &function); err != nil {
		return Function{}, err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.functions[function.ARN()] != nil {
		return Function{}, refuse("ResourceConflictException", "Function already exist: %s", function.Name)
	}
	return w.storeFunction(function), nil
}

// UpdateFunction replaces everything of a function but its name.
func (w *World) UpdateFunction(ctx context.Context, function Function) (Function, error) {
	if err := w.checkFunction(ctx, &function); err != nil {
		return Function{}, err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.functions[function.ARN()] == nil {
		return Function{}, noFunction(function.ARN())
	}
	return w.storeFunction(function), nil
}

func (w *World) storeFunction(function Function) Function {
	stored := function.copy()
	stored.Modified = w.now().UTC()
	w.functions[stored.ARN()] = &stored
	return stored.copy()
}

func (w *World) checkFunction(ctx context.Context, function *Function) error {
	switch {
	case !w.knows(function.Account):
		return refuse("UnrecognizedClientException", "the lab has no account %s", function.Account)
	case !functionName.MatchString(function.Name):
		return refuse("ValidationException", "the function name %q is not 1 to 64 letters, digits, hyphens and underscores", function.Name)
	case function.MemorySize < 128 || function.MemorySize > 10240:
		return refuse("ValidationException", "the memory of function %s is %d MiB, and Lambda gives 128 to 10240",
			function.Name, function.MemorySize)
	case function.Timeout < time.Second || function.Timeout > 15*time.Minute:
		return refuse("ValidationException", "the timeout of function %s is %s, and Lambda waits 1s to 15m", function.Name, function.Timeout)
	case len(function.Code) == 0:
		return refuse("InvalidParameterValueException", "the deployment package of function %s is empty", function.Name)
	case policy.AccountOf(function.Role) != function.Account:
		return refuse("AccessDeniedException", "Cross-account pass role is not allowed: %s is not of account %s.",
			function.Role, function.Account)
	}
	trust, err := w.MayAssume(ctx, "lambda.amazonaws.com", function.Role)
	if err != nil || trust.Decision != policy.Allowed {
		return refuse("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda: %s", function.Role)
	}
	return w.checkNetwork(ctx, function)
}

// Function is the function with this ARN, which may end in the qualifier $LATEST.
func (w *World) Function(arn string) (Function, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if function := w.functions[strings.TrimSuffix(arn, ":$LATEST")]; function != nil {
		return function.copy(), nil
	}
	return Function{}, noFunction(arn)
}

// DeleteFunction deletes a function.
func (w *World) DeleteFunction(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.functions[arn] == nil {
		return noFunction(arn)
	}
	delete(w.functions, arn)
	return nil
}

func noFunction(arn string) error {
	return refuse("ResourceNotFoundException", "Function not found: %s", arn)
}

// LogGroup is a log group of CloudWatch Logs.
type LogGroup struct {
	Account string
	Region  string
	Name    string
	// RetentionInDays is 0 for logs that are kept for ever.
	RetentionInDays int
	Tags            map[string]string

	lines []string
}

// ARN is the log group's ARN, without the :* that policies need behind it.
func (g *LogGroup) ARN() string {
	return "arn:aws:logs:" + g.Region + ":" + g.Account + ":log-group:" + g.Name
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var retentions = []int{
	0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

// PutLogGroup makes a log group; with create false it changes retention and tags of one that exists.
func (w *World) PutLogGroup(group LogGroup, create bool) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	stored := w.logGroups[group.ARN()]
	switch {
	case !w.knows(group.Account):
		return refuse("UnrecognizedClientException", "the lab has no account %s", group.Account)
	case !slices.Contains(retentions, group.RetentionInDays):
		return refuse("InvalidParameterException", "logs cannot be kept for %d days; CloudWatch takes 1, 3, 5, 7, 14, 30 and so on",
			group.RetentionInDays)
	case create && stored != nil:
		return refuse("ResourceAlreadyExistsException", "The specified log group already exists: %s", group.Name)
	case !create && stored == nil:
		return noLogGroup(group.Name)
	}
	group.Tags = maps.Clone(group.Tags)
	if stored != nil {
		group.lines = stored.lines
	}
	w.logGroups[group.ARN()] = &group
	return nil
}

// LogGroup is the log group with this ARN.
func (w *World) LogGroup(arn string) (LogGroup, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if group := w.logGroups[arn]; group != nil {
		result := *group
		result.Tags, result.lines = maps.Clone(group.Tags), nil
		return result, nil
	}
	return LogGroup{}, noLogGroup(arn)
}

// DeleteLogGroup deletes a log group with its logs.
func (w *World) DeleteLogGroup(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.logGroups[arn] == nil {
		return noLogGroup(arn)
	}
	delete(w.logGroups, arn)
	return nil
}

func noLogGroup(name string) error {
	return refuse("ResourceNotFoundException", "The specified log group does not exist: %s", name)
}

// Log writes a line to the log group of a function, which Lambda makes where it is missing.
func (w *World) Log(function Function, line string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	group := &LogGroup{Account: function.Account, Region: function.Region, Name: function.LogGroup}
	if group.Name == "" {
		group.Name = "/aws/lambda/" + function.Name
	}
	if stored := w.logGroups[group.ARN()]; stored != nil {
		group = stored
	}
	group.lines = append(group.lines, line)
	w.logGroups[group.ARN()] = group
}

// LogLines are the lines of a log group, oldest first.
func (w *World) LogLines(arn string) []string {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if group := w.logGroups[arn]; group != nil {
		return slices.Clone(group.lines)
	}
	return nil
}

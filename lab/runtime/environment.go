package runtime

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"strconv"
	"time"
)

// environment is what a process of a function sees,
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: what a function may set itself, the function's own
// variables, what Lambda reserves, and what the surroundings say. The last one counts. (AWS_EXECUTION_ENV is not there: the provided
// runtimes do not have it.)
func environment(f Function, api, task, temporary string, surroundings map[string]string) []string {
	variables := map[string]string{
		"LANG": "en_US.UTF-8",
		"PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ":   ":UTC",
		// Lambda has a /tmp for each process; here it has to be told of it.
		"TMPDIR": temporary,
	}
	maps.Copy(variables, f.Environment)
	maps.Copy(variables, map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     f.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemorySize),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_FORMAT":           f.LogFormat,
		"AWS_LAMBDA_LOG_GROUP_NAME":       f.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02/") + "[" + f.Version + "]" + random(16),
		"AWS_REGION":                      f.Region,
		"AWS_DEFAULT_REGION":              f.Region,
		"LAMBDA_TASK_ROOT":                task,
		"_HANDLER":                        bootstrap,
	})
	maps.Copy(variables, surroundings)
	result := make([]string, 0, len(variables))
	for name, value := range variables {
		result = append(result, name+"="+value)
	}
	return result
}

// newTrace is the tracing header of a new invocation, https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html.
func newTrace(mode string) string {
	sampled := "0"
	if mode == "Active" {
		sampled = "1"
	}
	return "Root=1-" + strconv.FormatInt(time.Now().Unix(), 16) + "-" + random(12) + ";Parent=" + random(8) + ";Sampled=" + sampled
}

// random returns so many random bytes in hexadecimal digits.
func random(bytes int) string {
	result := make([]byte, bytes)
	_, _ = rand.Read(result) // never fails
	return hex.EncodeToString(result)
}

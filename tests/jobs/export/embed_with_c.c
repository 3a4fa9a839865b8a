/* Loads a SavedModel with TensorFlow's C API, feeds it one waveform of raw float32 and writes the embedding, raw float32.

   embed MODEL WAVEFORM EMBEDDING INPUT OUTPUT       (INPUT and OUTPUT are tensors of a signature, name:index) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tensorflow/c/c_api.h"

static void check(TF_Status* status) {
  if (TF_GetCode(status) == TF_OK) return;
  fprintf(stderr, "%s\n", TF_Message(status));
  exit(1);
}

static TF_Tensor* read_waveform(const char* path) {
  FILE* file = fopen(path, "rb");
  fseek(file, 0, SEEK_END);
  long bytes = ftell(file);
  rewind(file);
  int64_t shape[2] = {1, bytes / (long)sizeof(float)};
  TF_Tensor* tensor = TF_AllocateTensor(TF_FLOAT, shape, 2, bytes);
  if (fread(TF_TensorData(tensor), 1, bytes, file) != (size_t)bytes) exit(2);
  fclose(file);
  return tensor;
}

static TF_Output find(TF_Graph* graph, char* tensor) {
  char* colon = strchr(tensor, ':');
  if (!colon) exit(4);
  *colon = 0;
  TF_Output found = {TF_GraphOperationByName(graph, tensor), atoi(colon + 1)};
  if (!found.oper) exit(5);
  return found;
}

int main(int argc, char** argv) {
  if (argc != 6) return 3;
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  const char* tags[] = {"serve"};
  TF_Session* session =
      TF_LoadSessionFromSavedModel(TF_NewSessionOptions(), NULL, argv[1], tags, 1, graph, NULL, status);
  check(status);
  TF_Output input = find(graph, argv[4]), output = find(graph, argv[5]);
  TF_Tensor* waveform = read_waveform(argv[2]);
  TF_Tensor* embedding = NULL;
  TF_SessionRun(session, NULL, &input, &waveform, 1, &output, &embedding, 1, NULL, 0, NULL, status);
  check(status);
  FILE* file = fopen(argv[3], "wb");
  fwrite(TF_TensorData(embedding), 1, TF_TensorByteSize(embedding), file);
  fclose(file);
  return 0;
}

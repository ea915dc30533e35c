// Says who the kernel takes it for; installed set-uid root, so that it tells whether that works.
#include <stdio.h>
#include <unistd.h>

int main(void) {
  printf("Effective uid: %d\n", (int)geteuid());
  return 0;
}

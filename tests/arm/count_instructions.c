/* A QEMU plugin that counts the AArch64 instructions a program executes, by kind.

   The program sets marks by the harmless system call getpriority(MARK, n): at each, the counts since the mark before are
   written to stderr, as "instructions n kind=count ...". Threads share the counters without a lock, so the program should
   compute in one thread between two marks.

   With the argument blocks=FILE, the blocks that ran since the mark before are written to FILE at each mark, a line each:
   "block address instructions executions mnemonic,mnemonic,..."; then lines "map ..." with QEMU's own /proc/self/maps.

   Debian's packages bring no header for plugins. The declarations follow QEMU 7.2's qemu-plugin.h, version 1 of the
   interface. Encodings are those of the Arm Architecture Reference Manual (DDI 0487), section C4.1. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MARK 0x5eed
#define GETPRIORITY 141 /* of Linux on AArch64 */

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
EXPORT int qemu_plugin_version = 1;
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_syscall_cb(
    plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                        uint64_t));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
extern char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *, uint64_t);
enum { INLINE_ADD = 0 };

enum kind { DOT_PRODUCT, MULTIPLY_ACCUMULATE, FLOAT_MULTIPLY_ADD, OTHER_VECTOR, LOAD, STORE, BRANCH, REST, KINDS };
static const char *const names[KINDS] = {
    "dot_product", "multiply_accumulate", "float_multiply_add", "other_vector", "load", "store", "branch", "rest",
};
static uint64_t counts[KINDS];
static uint64_t counts_at_mark[KINDS];

struct encoding {
    uint32_t mask, value;
    enum kind kind;
};

/* Vector instructions that multiply; the first that matches counts. */
static const struct encoding products[] = {
    {0x9f20f400, 0x0e009400, DOT_PRODUCT},         /* SDOT, UDOT, USDOT (vector) */
    {0x9f00e400, 0x0f00e000, DOT_PRODUCT},         /* SDOT, UDOT, SUDOT, USDOT (by element) */
    {0x9fe0f400, 0x0e80a400, DOT_PRODUCT},         /* SMMLA, UMMLA, USMMLA */
    {0x9f20fc00, 0x0e20c000, MULTIPLY_ACCUMULATE}, /* SMULL, UMULL */
    {0x9f20dc00, 0x0e208000, MULTIPLY_ACCUMULATE}, /* SMLAL, SMLSL, UMLAL, UMLSL */
    {0x9f00f400, 0x0f00a000, MULTIPLY_ACCUMULATE}, /* SMULL, UMULL (by element) */
    {0x9f00b400, 0x0f002000, MULTIPLY_ACCUMULATE}, /* SMLAL, SMLSL, UMLAL, UMLSL (by element) */
    {0x9f3ffc00, 0x0e206800, MULTIPLY_ACCUMULATE}, /* SADALP, UADALP: the sums of pairs of products */
    {0xbf20fc00, 0x0e20cc00, FLOAT_MULTIPLY_ADD},  /* FMLA, FMLS (vector) */
    {0xbfa0fc00, 0x2e20dc00, FLOAT_MULTIPLY_ADD},  /* FMUL (vector) */
    {0xbf00b400, 0x0f001000, FLOAT_MULTIPLY_ADD},  /* FMLA, FMLS (by element) */
    {0xbf00f400, 0x0f009000, FLOAT_MULTIPLY_ADD},  /* FMUL (by element) */
};

static uint32_t bits(uint32_t word, int first, int count) { return word >> first & ((1u << count) - 1); }

static enum kind vector_kind(uint32_t word) {
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        if ((word & products[i].mask) == products[i].value) return products[i].kind;
    return OTHER_VECTOR;
}

static bool is_load(uint32_t word) {
    uint32_t group = bits(word, 27, 3);
    if (group == 3 && !bits(word, 24, 1)) return true; /* a literal */
    if (group != 7) return bits(word, 22, 1);          /* pairs, exclusives, structures: the L bit */
    uint32_t operation = bits(word, 22, 2);
    return bits(word, 26, 1) ? operation & 1 : operation != 0; /* of a vector register; of a general one */
}

static enum kind kind_of(uint32_t word) {
    uint32_t group = bits(word, 25, 4);
    if (group == 7) return vector_kind(word);
    if ((group & 7) == 7) return OTHER_VECTOR; /* scalar floating point */
    if ((group & 5) == 4) return is_load(word) ? LOAD : STORE;
    if ((group & 14) == 10) return BRANCH;
    return REST;
}

#define MNEMONIC 16 /* Longest mnemonic, with its separator. */

struct block {
    uint64_t executions, executions_at_mark;
    uint64_t address;
    size_t instructions;
    char *mnemonics;
    struct block *before;
};
static struct block *last_block;
static const char *blocks_file; /* NULL: blocks are not recorded. */

/* What has no place is left out: then the mnemonics are fewer than the instructions. */
static char *mnemonics_of(const struct qemu_plugin_tb *translation, size_t instructions) {
    char *text = calloc(instructions, MNEMONIC);
    size_t length = 0;
    for (size_t i = 0; text && i < instructions; i++) {
        char *disassembled = qemu_plugin_insn_disas(qemu_plugin_tb_get_insn(translation, i));
        size_t letters = strcspn(disassembled, " \t");
        if (letters < MNEMONIC - 1) {
            memcpy(text + length, disassembled, letters);
            length += letters;
            text[length++] = ',';
        }
        free(disassembled);
    }
    if (text && length) text[length - 1] = 0;
    return text;
}

static void record(struct qemu_plugin_tb *translation) {
    struct block *block = calloc(1, sizeof *block);
    if (!block) abort();
    block->instructions = qemu_plugin_tb_n_insns(translation);
    block->address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(translation, 0));
    block->mnemonics = mnemonics_of(translation, block->instructions);
    block->before = last_block;
    last_block = block;
    qemu_plugin_register_vcpu_tb_exec_inline(translation, INLINE_ADD, &block->executions, 1);
}

static void write_maps(FILE *file) {
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) fprintf(file, "map %s", line);
    if (maps) fclose(maps);
}

static void write_blocks(void) {
    FILE *file = fopen(blocks_file, "w");
    if (!file) abort();
    for (struct block *block = last_block; block; block = block->before) {
        unsigned long long since = block->executions - block->executions_at_mark;
        block->executions_at_mark = block->executions;
        if (since)
            fprintf(file, "block %llx %zu %llu %s\n", (unsigned long long)block->address, block->instructions, since,
                    block->mnemonics);
    }
    write_maps(file);
    fclose(file);
}

static void translated(plugin_id id, struct qemu_plugin_tb *block) {
    (void)id;
    if (blocks_file) record(block);
    uint64_t found[KINDS] = {0};
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof word);
        found[kind_of(word)]++;
    }
    for (int kind = 0; kind < KINDS; kind++)
        if (found[kind]) qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD, &counts[kind], found[kind]);
}

static void system_call(plugin_id id, unsigned cpu, int64_t number, uint64_t first, uint64_t second, uint64_t a3, uint64_t a4,
                        uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    (void)id, (void)cpu, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number != GETPRIORITY || first != MARK) return;
    char line[512];
    int length = snprintf(line, sizeof line, "instructions %llu", (unsigned long long)second);
    for (int kind = 0; kind < KINDS; kind++) {
        uint64_t since = counts[kind] - counts_at_mark[kind];
        length += snprintf(line + length, sizeof line - length, " %s=%llu", names[kind], (unsigned long long)since);
        counts_at_mark[kind] = counts[kind];
    }
    fprintf(stderr, "%s\n", line);
    if (blocks_file) write_blocks();
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++)
        if (!strncmp(argv[i], "blocks=", 7)) blocks_file = strdup(argv[i] + 7);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, system_call);
    return 0;
}

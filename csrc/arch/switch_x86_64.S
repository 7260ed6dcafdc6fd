/* The System V ABI: callee-saved registers are rbx, rbp, r12 to r15 and rsp.
 *
 * endbr64 supports indirect-branch tracking. The object is not marked for shadow stacks,
 * so the loader leaves them off: the ret of a switch uses an address that is not on the
 * shadow stack. */
#if defined(__x86_64__)

    .text
    .p2align 4
    .globl green__switch
    .hidden green__switch
    .type green__switch, @function
green__switch:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    /* Both stacks have this frame, so the directives hold on either side. */
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_same_value %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_same_value %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_same_value %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_same_value %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_same_value %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_same_value %rbp
    ret
    .cfi_endproc
    .size green__switch, . - green__switch

    .p2align 4
    .globl green__entry
    .hidden green__entry
    .type green__entry, @function
green__entry:
    .cfi_startproc
    /* The outermost frame: an unwinder finds no return address and stops. */
    .cfi_undefined %rip
    endbr64
    movq %r13, %rdi
    call *%r12
    ud2
    .cfi_endproc
    .size green__entry, . - green__entry

#endif

    .section .note.GNU-stack, "", %progbits
